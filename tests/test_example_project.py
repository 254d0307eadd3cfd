"""The example, end to end: what a newcomer opens in the first five minutes."""

import json
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.example import EXAMPLE, environment, serve
from tests.typescript import compile_options, is_installed

PAGES = ["/", "/support/", "/shop/", "/shop/1/", "/two/", "/accounts/login/"]
SIGNED_IN = ["/support/", "/two/"]
INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*(\ssrc=|\stype=\"application/json\"))")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """As in a deployment, with the stand-in."""
    with serve(tmp_path_factory.mktemp("deployed"), DEBUG="0", STANDIN="1") as site:
        yield site


@pytest.fixture(scope="module")
def developed(tmp_path_factory):
    """As a developer has it, with the CDN's address on the pages."""
    with serve(tmp_path_factory.mktemp("developed"), DEBUG="1", STANDIN="0") as site:
        yield site


def ask(client, question, path="/chatkit/", headers=(), **message):
    """Send a message in a new thread. Gives the response, and the answer's text."""
    client.get("/shop/")  # the page sets the CSRF cookie
    body = {
        "type": "threads.create",
        "params": {
            "input": {
                "content": [{"type": "input_text", "text": question}],
                "attachments": [],
                "quoted_text": "",
                "inference_options": {},
                **message,
            }
        },
    }
    token = client.cookies.get("csrftoken", "")
    headers = {"X-CSRFToken": token, "Referer": str(client.base_url), **dict(headers)}
    response = client.post(path, json=body, headers=headers)
    frames = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    events = [json.loads(frame) for frame in frames]
    done = [event["item"] for event in events if event["type"] == "thread.item.done"]
    answers = [item for item in done if item["type"] == "assistant_message"]
    return response, "\n".join(part["text"] for answer in answers for part in answer["content"])


def test_options_of_all_pages_fit_the_types(deployed, tmp_path):
    if not is_installed():
        pytest.skip("npm install has not been run")
    people = [deployed.client(name) for name in ("", "demo", "demo2")]
    html = "".join(person.get(path).text for person in people for path in PAGES)
    data = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    options = [json.loads(text)["options"] for text in data]
    assert len(options) > 5
    assert compile_options(tmp_path, options) == (set(), "")


@pytest.mark.parametrize("path", PAGES)
def test_pages_keep_the_strict_policy(deployed, path):
    page = deployed.client("demo").get(path)
    assert page.status_code == 200
    assert not INLINE.search(page.text), INLINE.search(page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_for_customers_ask_visitors_to_sign_in(deployed, path):
    response = deployed.client().get(path)
    assert response.status_code == 200
    assert f"/accounts/login/?next={quote(path, safe='')}" in response.text
    assert response.text.count("<openai-chatkit") == (1 if path == "/two/" else 0)


@pytest.mark.parametrize(
    ("path", "widgets"), [("/support/", ["/chatkit/"]), ("/two/", ["/chatkit/", "/chatkit/sales/"])]
)
def test_the_widgets_talk_to_their_servers(deployed, path, widgets):
    page = deployed.client("demo").get(path).text.replace("&quot;", '"')
    assert re.findall(r'"url": ?"([^"]+)"', page) == widgets


def test_customers_are_offered_what_fits_their_orders(deployed):
    offered = {
        "demo": ["status of my order 1002?", "Show the card of order 1003", "I want to return order 1001"],
        "demo2": ["status of my order 2001?"],
    }
    for username, prompts in offered.items():
        page = deployed.client(username).get("/support/").text
        assert all(prompt in page for prompt in prompts)
        others = [prompt for name in offered if name != username for prompt in offered[name]]
        assert not any(prompt in page for prompt in others)


def test_a_german_browser_gets_one_language(deployed):
    page = deployed.client().get("/accounts/login/", headers={"Accept-Language": "de"}).text
    assert "Username" in page
    assert "Benutzername" not in page


def find(client, query, server="default"):
    found = client.get(f"/chatkit/entities/{server}/", params={"q": query})
    assert found.status_code == 200, found.text
    return found.json()


def mention(entity):
    return [{"type": "input_tag", "text": entity["title"], "id": entity["id"], "data": entity["data"]}]


def test_an_order_is_found_mentioned_and_known(deployed):
    client = deployed.client("demo")
    assert [entity["title"] for entity in find(client, "")] == ["Order 1003", "Order 1002", "Order 1001"]
    [order] = find(client, "mug")
    one = client.get("/chatkit/entities/default/entity/", params={"id": order["id"]}).json()
    assert one["url"] == "/support/#order-1002"
    assert "4 × Stoneware mug, on its way" in str(one["preview"])
    _, answer = ask(client, "", content=mention(order))
    assert "status: on its way; quantity: 4; product: Stoneware mug" in answer


def test_nobody_mentions_anothers_order(deployed):
    [foreign] = find(deployed.client("demo2"), "2001")
    client = deployed.client("demo")
    assert find(client, "2001") == []
    assert client.get("/chatkit/entities/default/entity/", params={"id": foreign["id"]}).status_code == 404
    _, answer = ask(client, "", content=mention(foreign))
    assert "grinder" not in answer.lower()
    assert deployed.client().get("/chatkit/entities/default/").status_code == 401


def test_visitors_mention_products(deployed):
    client = deployed.client()
    [tea] = find(client, "green tea", "sales")
    _, answer = ask(client, "", "/chatkit/sales/", content=mention(tea))
    assert "price: 11.20; stock: 0" in answer


def test_two_models_to_choose_from(deployed):
    client = deployed.client("demo")
    cheerful = {"inference_options": {"model": "cheerful"}}
    assert ask(client, "What is the status of my order 1002?", **cheerful)[1].startswith("With pleasure!")
    assert not ask(client, "What is the status of my order 1002?")[1].startswith("With pleasure!")
    response, _ = ask(client, "hi", inference_options={"model": "gpt-9"})
    assert response.status_code == 400


@pytest.mark.parametrize("path", ["/admin/", "/admin/shop/order/", "/admin/django_chatkit/thread/"])
def test_staff_find_orders_and_conversations(deployed, path):
    assert deployed.client("admin").get(path).status_code == 200


@pytest.mark.parametrize("username", ["demo", "demo2"])
def test_customers_are_no_staff(deployed, username):
    assert deployed.client(username).get("/admin/").status_code == 302


def test_support_reads_the_customers_orders(deployed):
    response, answer = ask(deployed.client("demo"), "What is the status of my order 1002?")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert "Stoneware mug" in answer
    assert "on its way" in answer


def test_support_lists_the_customers_orders(deployed):
    _, answer = ask(deployed.client("demo2"), "List my orders")
    assert "2001" in answer
    assert "2002" in answer
    assert "100" not in answer.replace("100 g", "")


def test_support_knows_nothing_of_somebody_elses_order(deployed):
    response, answer = ask(deployed.client("demo"), "What is the status of my order 2001?")
    assert "no order 2001" in answer
    assert "grinder" not in response.text


def test_only_staff_ship_an_order_and_the_customer_is_told(deployed):
    customer = deployed.client("demo")
    _, answer = ask(customer, "Ship order 1003")
    assert "Refused: this person has no permission" in answer
    assert "Ship order 1003 (staff only)" in customer.get("/support/").text
    staff = deployed.client("admin")
    assert "Ship order 1003" in staff.get("/support/").text
    _, answer = ask(staff, "Ship order 1003")
    assert "order 1003 is on its way, and demo reads so" in answer
    _, answer = ask(staff, "Ship order 1003")
    assert "no order 1003 that could be shipped" in answer
    with closing(sqlite3.connect(deployed.log.parent / "db.sqlite3")) as database:
        query = "SELECT data FROM django_chatkit_threaditem WHERE text LIKE '%Good news: order 1003%'"
        [[data]] = database.execute(query).fetchall()
        database.execute("UPDATE shop_order SET status = 'packing' WHERE number = 1003")
        database.commit()
    assert '"id":"shop.order:3"' in data


def test_what_a_page_tells_is_known_there_and_nowhere_else(deployed):
    client = deployed.client()
    for path, expected in [("/shop/1/", "product: Pour-over kettle"), ("/shop/", "page: the whole shelf")]:
        page = client.get(path).text.replace("&quot;", '"')
        [signed] = re.findall(r'"page": ?"([^"]+)"', page)
        headers = {"X-ChatKit-Page": signed}
        assert expected in ask(client, "What am I looking at?", "/chatkit/sales/", headers=headers)[1]
    forged = {"X-ChatKit-Page": signed[:-1]}
    assert (
        "The page told me" not in ask(client, "What am I looking at?", "/chatkit/sales/", headers=forged)[1]
    )


def test_support_is_for_customers(deployed):
    response, _ = ask(deployed.client(), "List my orders")
    assert response.status_code == 401


def test_sales_is_for_everyone(deployed):
    _, answer = ask(deployed.client(), "Which products do you have?", "/chatkit/sales/")
    assert "Stoneware mug" in answer


def test_a_deployment_shows_no_debug_page(deployed):
    response = deployed.client().get("/nowhere/")
    assert response.status_code == 404
    assert "DEBUG" not in response.text


def test_a_deployment_serves_files_under_names_that_never_change(deployed):
    client = deployed.client("demo")
    paths = re.findall(r'(?:src|href)="(/static/[^"#]+)"', client.get("/support/").text)
    assert any("django_chatkit" in path for path in paths)
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, path
        assert "immutable" in response.headers["Cache-Control"], path


def test_the_standin_is_served_and_announced(deployed):
    client = deployed.client()
    script = client.get("/standin.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "openai-chatkit" in script.text
    page = client.get("/shop/").text
    assert 'src="/standin.js"' in page
    assert "stand-in plays the part" in page


def test_the_terminal_says_where_to_go_and_who_can_sign_in(deployed):
    assert f"The shop opens in a few seconds: {deployed.url}/" in deployed.output
    assert "sign in as demo or demo2" in deployed.output
    assert "the stand-in" in deployed.output
    assert "as in a deployment" in deployed.output
    assert "Traceback" not in deployed.output
    assert "Warning" not in deployed.output


def test_development_serves_the_cdns_script_and_no_standin(developed):
    client = developed.client("demo")
    page = client.get("/support/").text
    assert 'src="https://cdn.platform.openai.com/deployments/chatkit/chatkit.js"' in page
    assert "stand-in plays the part" not in page
    assert client.get("/standin.js").status_code == 404
    assert client.get("/static/shop/shop.css").status_code == 200
    assert "OpenAI's CDN" in developed.output


def test_development_streams(developed):
    _, answer = ask(developed.client("demo"), "What is the status of my order 1001?")
    assert "delivered" in answer
    assert "ASGI/Daphne" in developed.output
    assert "Warning" not in developed.output


def test_the_database_lets_readers_and_a_writer_in_together(deployed):
    with closing(sqlite3.connect(deployed.log.parent / "db.sqlite3")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_demo_data_changes_nothing_the_second_time(deployed):
    def rows():
        tables = ["shop_product", "shop_order", "auth_user"]
        with closing(sqlite3.connect(deployed.log.parent / "db.sqlite3")) as database:
            return [database.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in tables]

    before = rows()
    command = [sys.executable, EXAMPLE / "manage.py", "demo_data"]
    subprocess.run(command, env=environment(deployed.log.parent), cwd=EXAMPLE, check=True)
    assert rows() == before
    assert [len(table) for table in before] == [6, 5, 3]


def refuse(folder, **variables):
    """What demo.py says where it does not start."""
    result = subprocess.run(
        [sys.executable, EXAMPLE / "demo.py"],
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    return result.stderr


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refuse(tmp_path, PORT=str(port), STANDIN="1")
    assert said == f"Port {port} is taken. Choose another one: make demo PORT={port + 1}\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PORT": "eighty"}, "PORT must be a number below 65536: make demo PORT=8001, not eighty\n"),
        ({"PORT": "99999"}, "PORT must be a number below 65536: make demo PORT=8001, not 99999\n"),
        ({"DEBUG": "false"}, "DEBUG must be 0 or 1: make demo DEBUG=0\n"),
        ({"STANDIN": "no"}, "STANDIN must be 0 or 1: make demo STANDIN=0\n"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, variables, said):
    assert refuse(tmp_path, **variables) == said
