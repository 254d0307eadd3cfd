"""An assistant that needs no key, no network and no code: the server of a site that names none.

``DemoModel`` plays the model's part by a script, and goes the whole way of a real one: agent,
tools, events, store. Give it to an agent of yours to try that offline.
"""

from .model import DemoModel
from .server import DemoServer
from .tools import demo_tools

__all__ = ["DemoModel", "DemoServer", "demo_tools"]
