"""``AzureChatOpenAI``, ``AzureOpenAI`` and ``AzureOpenAIEmbeddings``: OpenAI's models in Azure."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from prill.openai.azure_settings import AzureSettings
from prill.openai.chat_models import ChatOpenAI
from prill.openai.embeddings import OpenAIEmbeddings
from prill.openai.llms import OpenAI


class AzureChatOpenAI(AzureSettings, ChatOpenAI):
    """A chat model of OpenAI that is deployed in Azure.

        >>> model = AzureChatOpenAI(
        ...     azure_endpoint="https://my-resource.openai.azure.com",
        ...     azure_deployment="my-gpt-4o",
        ...     api_version="2024-10-21",
        ... )  # the key is in AZURE_OPENAI_API_KEY
        >>> model.invoke("Hi").content  # doctest: +SKIP
        'Hello! How can I help you today?'

    Beside the settings of Azure it takes all that ``ChatOpenAI`` takes, but ``server``. ``model`` is the name that is
    shown to observers, by default the deployment's. What Azure's content filter found is in ``response_metadata``
    (``prompt_filter_results``, ``content_filter_results``); what it refuses is a ``ContentFilterError``.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))

    _cache_ignores: ClassVar[frozenset[str]] = ChatOpenAI._cache_ignores | AzureSettings.not_in_cache_key

    @property
    def _llm_type(self) -> str:
        return "azure-openai-chat"

    @property
    def deployment_name(self) -> str | None:
        """The same as ``azure_deployment``."""
        return self.azure_deployment

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_model_name": f"{self.model}-{self.model_version}"} if self.model_version else params


class AzureOpenAI(AzureSettings, OpenAI):
    """A text model of OpenAI that is deployed in Azure: a prompt in, text out. See ``AzureChatOpenAI``."""

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))

    _cache_ignores: ClassVar[frozenset[str]] = OpenAI._cache_ignores | AzureSettings.not_in_cache_key

    @property
    def _llm_type(self) -> str:
        return "azure"


class AzureOpenAIEmbeddings(AzureSettings, OpenAIEmbeddings):
    """Vectors from a model of OpenAI that is deployed in Azure.

        >>> embeddings = AzureOpenAIEmbeddings(
        ...     azure_endpoint="https://my-resource.openai.azure.com",
        ...     model="text-embedding-3-small",
        ...     api_version="2024-10-21",
        ... )  # the key is in AZURE_OPENAI_API_KEY
        >>> embeddings.embed_query("Where is Oslo?")  # doctest: +SKIP
        [0.0123, …]

    Beside the settings of Azure it takes all that ``OpenAIEmbeddings`` takes, but ``server``.
    """

    chunk_size: int = Field(default=2048, gt=0)
