"""The same application on several replicas of Ray Serve, on one machine or on a cluster.

    python examples/on_ray_serve.py --store redis://localhost:6379

Then open http://127.0.0.1:8000/joke/playground/. Each request goes to the replica that has least to do. With a store
that they share, any replica continues a stream whose connection was cut, also one that another replica writes.
On a cluster, `RAY_ADDRESS` says where it is; without it, Ray is started on this machine.
"""

import argparse
import logging
import time

import ray
from ray import serve

from prill import ChatPromptTemplate, StrOutputParser, init_chat_model
from prill.serve import App, open_store


def build_app(model: str, store: str | None) -> App:
    """The application; each replica makes its own."""
    prompt = ChatPromptTemplate.from_template("Tell me a joke about {topic}.")
    app = App(store=open_store(store) if store else None)
    app.add(
        "/joke", prompt | init_chat_model(model) | StrOutputParser(), on_disconnect="continue" if store else "cancel"
    )
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a chain with Ray Serve.")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    parser.add_argument("--store", help="where the events of runs are kept, such as redis://localhost:6379")
    parser.add_argument("--replicas", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="(%(default)s)")
    options = parser.parse_args()

    ray.init(include_dashboard=False, logging_level=logging.WARNING)
    serve.start(http_options={"host": "127.0.0.1", "port": options.port})

    def build() -> App:
        return build_app(options.model, options.store)

    @serve.deployment(num_replicas=options.replicas, ray_actor_options={"num_cpus": 0.5}, max_ongoing_requests=1000)
    @serve.ingress(build)
    class Chains:
        pass

    serve.run(Chains.bind())  # type: ignore[attr-defined]  # the decorator's types leave it out
    print(f"running on http://127.0.0.1:{options.port}", flush=True)
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


if __name__ == "__main__":
    main()
