"""Numbered system checks: what is wrong with the settings, and what to do about it.

A plain ``check`` imports neither the SDK's server nor the agents: it reads the source of a server
class instead. ``check --deploy`` and ``chatkit_doctor`` import the classes and look closer.

=========== ================================================= ===========
number      what is wrong                                     file
=========== ================================================= ===========
E001        a setting that does not exist                     values
E002, E003  a setting of the wrong type, out of range         values
E004, E005  an alias that is no slug, no "default"            servers
E006        a server's module or class is not there           servers
E007, E008  a server class that cannot be used, an attribute  servers
E009        an option that ChatKit would refuse               servers
E010        the URLs are not included                         project
E011, E012  no CSRF middleware, no sessions for visitors      project
E013        django.contrib.auth is not installed              project
E014, E015  the module ``chatkit`` is somebody else's         sdk
E016        a declaration of files that cannot be             servers
E017        a declaration of dictation that cannot be         speech
E018        a button for dictation that leads nowhere         speech
E019        a question after thumbs that cannot be put        servers
E020        a ``.widget`` file that is none                   widgets
E021        a handler of an action                            widgets
E030, E031  a tool's permission, a tool's question            tools
E040        a rate that cannot be read                        menus
E041, E042  something to mention, a field of it               menus
E043        an icon that does not exist                       menus
E044        a command of the composer's menu                  menus
E045, E046  a choice of model or tool that stands for nothing menus
W001        nothing says that ASGI is used                    deployment
W002, W003  no session or authentication middleware           project
W004        the request is not in the templates               project
W005        a version of the SDK that was not tested          sdk
W006        a body limit of Django's that is smaller          values
W007        a Content Security Policy that blocks the chat    csp
W008        no domain key                                     deployment
W009        the demo server                                   deployment
W010        database connections that pile up                 deployment
W011        URLs that only some pages find                    project
W012        no place for the files that people send           servers
W013        a body limit of Django's, for recordings          speech
W014        no key for the dictation                          speech
W015        no key for OpenAI's models                        models
W016        a middleware that waits for the end of answers    middleware
W020        a pool of connections that are not tried       deployment
W030        a tool's permission that is not in the database   tools
W040        a limit that a cache cannot count                 menus
=========== ================================================= ===========
"""

from django_chatkit.checks import (
    csp,
    deployment,
    menus,
    middleware,
    models,
    project,
    sdk,
    servers,
    speech,
    tools,
    values,
    widgets,
)

__all__ = [
    "csp",
    "deployment",
    "menus",
    "middleware",
    "models",
    "project",
    "sdk",
    "servers",
    "speech",
    "tools",
    "values",
    "widgets",
]
