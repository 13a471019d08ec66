"""HTTP in."""

from services.notify.routes import inbox, oversight, subscriptions

ROUTERS = (inbox.router, oversight.router, subscriptions.router)
