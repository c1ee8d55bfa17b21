"""A program that runs a bulk run, for tests that kill it: program.py URL SOURCE OUTPUT CHECKPOINT [OPTIONS as JSON]."""

import json
import sys

from prill import bulk
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate

if __name__ == "__main__":
    url, source, output, checkpoint, options = sys.argv[1:]
    chain = (
        ChatPromptTemplate.from_template("Label {text}")
        | ChatOpenAI(model="small", base_url=url, api_key="of-nobody")
        | StrOutputParser()
    )
    print(bulk.run(chain, source, output, key="id", checkpoint=checkpoint, **json.loads(options)))
