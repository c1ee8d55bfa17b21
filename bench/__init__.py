"""How fast Prill is, beside langchain-core and the providers' own SDKs: ``python -m bench [theme …] [--quick]``."""
