"""A person of the help desk, in a browser at the portal that has logged in by a second factor."""

import urllib.parse

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.factors import Agent, Application
from tests.stack.support.persons import Person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page


def enrolled(site: Site, web: Web, who: Person) -> Application:
    """Enrol an application of codes."""
    return Agent(site, web).enrolled(who)


def entered(site: Site, web: Web, who: Person, application: Application | None = None) -> SignedOn:
    """A browser in which somebody has logged in to the portal, by the password and a code of an application."""
    visitor = SignedOn(site, web)
    agent = visitor.provider = Agent(site, web)
    sent = visitor.ask("/compte")
    where = urllib.parse.urlsplit(visitor.ask(str(sent.headers["Location"])).headers["Location"] or "")
    answer = agent.log_in(who.uid, who.account.password, f"{where.path}?{where.query}")
    visitor.follow(agent.answer(answer, application.code()) if application else answer)
    return visitor


def help_desk(site: Site, web: Web, who: Person, *scope: str) -> SignedOn:
    """Make somebody the help desk of a scope (`--school UAI`), who then logs in by a second factor."""
    application = enrolled(site, web, who)
    Cli(site).json("role", "grant", who.uid, "helpdesk", *scope, "--reason", "essai")
    return entered(site, web, who, application)


def act(visitor: SignedOn, address: str, **values: str) -> Page:
    """Fill in the form of a page whose address may have a query, and send it; the page that comes."""
    path = address.partition("?")[0]
    (form,) = [one for one in visitor.get(address).forms() if one["action"].partition("?")[0] == path]
    return Page(visitor.follow(visitor.ask(form["action"], form["fields"] | values)).text)
