"""``make bench``: this project beside what people would write without it, as ratios.

Both sides are served by uvicorn on this machine, give the same answers, and are measured in turn,
so that whatever else the machine does hits both. Only ratios of one run mean anything.
"""
