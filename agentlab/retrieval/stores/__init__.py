"""Vector stores, one file an engine; import the one you use, its client is loaded when it is first asked.

from agentlab.retrieval.stores.sqlite import SqliteVectorStore
"""
