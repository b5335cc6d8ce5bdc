import json
import logging

import pytest
from django.core.signals import request_finished, request_started
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import get_script_prefix, path, set_script_prefix

from billing.gateway.client import API_VERSION
from config import gateway
from tests.config.shapes import CLIENT, SHAPES, Sent, http_api, received, rest_api
from tests.fakes import FakeStripe

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
ON_AWS = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"


def echo(request, rest=""):
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path_info,
            "query": dict(request.GET.lists()),
            "cookies": request.COOKIES,
            "headers": dict(request.headers),
            "address": request.META["REMOTE_ADDR"],
            "scheme": request.scheme,
            "url": request.build_absolute_uri(),
            "body": request.body.hex(),
        }
    )


def cookies(request):
    response = HttpResponse("ok")
    response.set_cookie("first", "1", httponly=True)
    response.set_cookie("second", "2")
    for number in range(2, int(request.GET.get("of", 0))):
        response.set_cookie(f"more-{number}", "1")
    return response


def size(request):
    return HttpResponse("é" * int(request.GET["of"]), content_type="text/plain")


def headers(request):
    return HttpResponse("ok", headers={"X-Long": "x" * int(request.GET["of"])})


def packed(request):
    return HttpResponse(b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})


def picture(request):
    return HttpResponse(PNG, content_type="image/png")


def stream(request):
    return StreamingHttpResponse([b"one ", b"two"], content_type="text/plain")


def download(request):
    return FileResponse(open(__file__, "rb"), filename="it.py")  # noqa: PTH123 - the response closes it


def typed(request):
    return HttpResponse("{}", content_type=request.GET["as"])


def in_latin_1(request):
    return HttpResponse("é", content_type="text/plain; charset=latin-1")


def nothing(request):
    return HttpResponse(status=204)


def form(request):
    return JsonResponse(request.POST)


urlpatterns = [
    path("cookies", cookies),
    path("size", size),
    path("headers", headers),
    path("packed", packed),
    path("picture", picture),
    path("stream", stream),
    path("download", download),
    path("typed", typed),
    path("latin-1", in_latin_1),
    path("nothing", nothing),
    path("form", form),
    path("", echo),
    path("<path:rest>", echo),
]


@pytest.fixture
def site(settings):
    """The views above, with nothing before them."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = __name__
    before = get_script_prefix()
    yield gateway.Gateway()
    set_script_prefix(before)


@pytest.fixture(params=SHAPES)
def ask(request, site):
    """Sends a request through each shape in turn."""

    def through(sent):
        answer, _ = site.answer(SHAPES[request.param](sent))
        json.dumps(answer)
        return received(answer)

    through.shape = request.param
    return through


def asked(site, event):
    return json.loads(received(site.answer(event)[0]).body)


def test_every_shape_tells_the_same_of_a_request(ask):
    sent = Sent(
        method="PUT",
        path="/invoices/42/",
        query="a=1&b=",
        headers=[("accept-language", "pl"), ("content-type", "text/plain")],
        cookies=["one=1", "two=2"],
        body=b"hello",
    )

    seen = json.loads(ask(sent).body)

    told = seen.pop("headers")
    assert seen == {
        "method": "PUT",
        "path": "/invoices/42/",
        "query": {"a": ["1"], "b": [""]},
        "cookies": {"one": "1", "two": "2"},
        "address": CLIENT,
        "scheme": "https",
        "url": "https://pay.example.com/invoices/42/?a=1&b=",
        "body": b"hello".hex(),
    }
    assert (told["Accept-Language"], told["Content-Type"]) == ("pl", "text/plain")
    assert told["Content-Length"] == "5"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_base64_is_undone_for_every_method(ask, method):
    sent = Sent(method=method, body=PNG, in_base64=True)

    assert json.loads(ask(sent).body)["body"] == PNG.hex()


@pytest.mark.parametrize("in_base64", [False, True])
def test_a_body_is_the_bytes_that_were_sent(ask, in_base64):
    body = "Zażółć 🧾 \u2028".encode()

    seen = json.loads(ask(Sent(method="POST", body=body, in_base64=in_base64)).body)

    assert bytes.fromhex(seen["body"]) == body


def test_an_address_that_the_client_wrote_is_not_believed(ask):
    written = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")]

    seen = json.loads(ask(Sent(headers=written)).body)

    assert seen["address"] == CLIENT
    assert seen["headers"]["X-Forwarded-For"] == CLIENT


def test_a_name_that_would_pass_for_another_is_dropped(ask):
    sent = Sent(headers=[("x_forwarded_for", "1.2.3.4"), ("X_Real_Name", "me")])

    seen = json.loads(ask(sent).body)

    assert seen["headers"]["X-Forwarded-For"] == CLIENT
    assert "X-Real-Name" not in seen["headers"]


def test_a_length_that_the_client_wrote_is_not_believed(ask):
    sent = Sent(method="POST", body=b"hello", headers=[("content-length", "2")])

    seen = json.loads(ask(sent).body)

    assert (seen["body"], seen["headers"]["Content-Length"]) == (b"hello".hex(), "5")


def test_an_address_is_decoded_once(ask):
    seen = json.loads(ask(Sent(path="/a%20b/za%C5%BC/x+y")).body)

    assert seen["path"] == "/a b/zaż/x+y"


def test_an_address_that_is_no_text_is_still_an_address(site):
    assert asked(site, http_api(Sent(path="/%FF")))["path"] == "/%FF"


def test_a_query_keeps_what_is_encoded_in_it(ask):
    sent = Sent(query="next=%2Finvoices%2F%3Fa%3D1%26b&q=a+b%2Bc&name=za%C5%BC")

    assert json.loads(ask(sent).body)["query"] == {
        "next": ["/invoices/?a=1&b"],
        "q": ["a b+c"],
        "name": ["zaż"],
    }


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"load-balancer"}))
def test_a_query_keeps_every_value(site, shape):
    seen = asked(site, SHAPES[shape](Sent(query="tag=a&tag=b&tag=")))

    assert seen["query"] == {"tag": ["a", "b", ""]}


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"load-balancer"}))
def test_a_header_keeps_every_value(site, shape):
    sent = Sent(headers=[("accept", "text/html"), ("accept", "image/png")])

    assert (
        asked(site, SHAPES[shape](sent))["headers"]["Accept"] == "text/html,image/png"
    )


def test_a_rest_event_with_single_values_only_is_understood(site):
    event = rest_api(Sent(query="a=1", headers=[("accept", "text/html")]))
    del event["multiValueHeaders"], event["multiValueQueryStringParameters"]

    seen = asked(site, event)

    assert (seen["query"], seen["headers"]["Accept"]) == ({"a": ["1"]}, "text/html")


def test_text_beyond_ascii_in_a_cookie_is_read(ask):
    seen = json.loads(ask(Sent(cookies=["name=zażółć"])).body)

    assert seen["cookies"] == {"name": "zażółć"}


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (rest_api(Sent(host=ON_AWS)), "/echo"),
        (http_api(Sent(host=ON_AWS), "dev"), "/echo"),
        (http_api(Sent(path="", host=ON_AWS), "dev"), "/"),
    ],
)
def test_the_stage_is_in_addresses_and_in_no_path(site, settings, event, path):
    settings.FORCE_SCRIPT_NAME = "/dev"

    seen = asked(site, event)

    assert (seen["path"], seen["url"]) == (path, f"https://{ON_AWS}/dev{path}")


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (rest_api(Sent()), "/echo"),
        (http_api(Sent()), "/echo"),
        (http_api(Sent(), "qa"), "/echo"),
        (http_api(Sent(path="/qable"), "qa"), "/qable"),
    ],
)
def test_a_domain_has_no_stage_in_its_addresses(site, event, path):
    seen = asked(site, event)

    assert (seen["path"], seen["url"]) == (path, f"https://pay.example.com{path}")


def test_whoever_tries_it_by_hand_need_not_name_a_host(site, settings):
    gateway._own_host.cache_clear()
    settings.SITE_URL = "https://pay.example.com"

    seen = asked(site, {"httpMethod": "GET", "path": "/x", "headers": None})

    gateway._own_host.cache_clear()
    assert seen["url"] == "https://pay.example.com/x"
    assert seen["address"] == ""


def test_a_load_balancer_says_whether_it_speaks_tls(site):
    event = SHAPES["load-balancer"](Sent())
    event["headers"]["x-forwarded-proto"] = "http"

    assert asked(site, event)["scheme"] == "http"


def test_another_gateway_is_not_asked_whether_it_speaks_tls(site):
    sent = Sent(headers=[("x-forwarded-proto", "http")])

    assert asked(site, rest_api(sent))["scheme"] == "https"


def test_each_cookie_is_set_once_and_none_is_lost(ask):
    assert ask(Sent(path="/cookies")).cookies == [
        "first=1; HttpOnly; Path=/",
        "second=2; Path=/",
    ]


def test_many_cookies_are_set_and_none_is_lost(site):
    event = SHAPES["load-balancer"](Sent(path="/cookies", query="of=70"))

    assert len(received(site.answer(event)[0]).cookies) == 70


def test_a_load_balancer_has_a_name_for_each_of_512_cookies():
    assert len({*gateway._SET_COOKIE}) == len(gateway._SET_COOKIE) == 512
    assert {name.lower() for name in gateway._SET_COOKIE} == {"set-cookie"}


@pytest.mark.parametrize(
    ("path", "body"), [("/picture", PNG), ("/packed", b"\x1f\x8b\x08")]
)
def test_bytes_arrive_as_they_are(ask, path, body):
    assert ask(Sent(path=path)).body == body


@pytest.mark.parametrize(
    ("kind", "in_base64"),
    [
        ("text/html; charset=utf-8", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("application/atom+xml", False),
        ("image/svg+xml", False),
        ("text/javascript", False),
        ("application/pdf", True),
        ("image/png", True),
    ],
)
def test_only_what_is_no_text_is_written_in_base64(site, kind, in_base64):
    answer, _ = site.answer(http_api(Sent(path="/typed", query=f"as={kind}")))

    assert answer["isBase64Encoded"] is in_base64
    assert received(answer).body == b"{}"


def test_text_of_another_encoding_keeps_its_bytes(ask):
    assert ask(Sent(path="/latin-1")).body == b"\xe9"


def test_a_stream_is_joined(ask):
    assert ask(Sent(path="/stream")).body == b"one two"


def test_a_file_is_read_and_closed(ask):
    # One left open would be a warning, which is an error here.
    assert b"A file is read" not in ask(Sent(path="/download")).headers
    assert ask(Sent(path="/download")).body.startswith(b"import json")


def test_head_is_told_the_headers_alone(ask):
    answer = ask(Sent(method="HEAD", path="/picture"))

    assert (answer.body, answer.headers["Content-Type"]) == (b"", "image/png")


def test_an_answer_without_content_has_none(ask):
    answer = ask(Sent(path="/nothing"))

    assert (answer.status, answer.body) == (204, b"")


def test_a_load_balancer_is_told_the_status_in_words(site):
    answer, _ = site.answer(SHAPES["load-balancer"](Sent(path="/nothing")))

    assert answer["statusDescription"] == "204 No Content"


def test_the_largest_answer_is_carried(ask):
    # Of two bytes each; what is left is for headers and the rest of the JSON.
    characters = (gateway.LARGEST_ANSWER - 1_000) // 2

    answer = ask(Sent(path="/size", query=f"of={characters}"))

    assert (answer.status, len(answer.body)) == (200, characters * 2)


def test_an_answer_that_lambda_would_refuse_is_told_as_a_problem(ask, caplog):
    characters = gateway.LARGEST_ANSWER // 2

    answer = ask(Sent(path="/size", query=f"of={characters}"))

    problem = json.loads(answer.body)
    assert (answer.status, problem["code"]) == (500, "answer_too_large")
    assert problem["detail"].endswith("6291556 can be carried. Ask for less.")
    assert [(r.levelname, r.message[:28]) for r in caplog.records][-1] == (
        "ERROR",
        "The answer of GET size took ",
    )


@pytest.mark.parametrize(("length", "status"), [(10_000, 200), (10_240, 500)])
def test_headers_that_a_gateway_would_refuse_are_told_as_a_problem(
    ask, length, status, caplog
):
    answer = ask(Sent(path="/headers", query=f"of={length}"))

    assert answer.status == status
    assert (b"headers_too_large" in answer.body) == (status == 500)
    told = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert len(told) == (status == 500)


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 413)])
def test_a_request_that_is_too_large_is_told_so(ask, settings, more, status):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    sent = Sent(
        method="POST",
        body=b"x" * (1000 + more),
        headers=[("content-type", "application/json")],
    )

    answer = ask(sent)

    assert answer.status == status
    assert status == 200 or b"1001 bytes; 1000 are taken" in answer.body


def test_of_a_form_with_files_django_judges(ask, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    part = 'Content-Disposition: form-data; name="a"'
    file = f'{part}; filename="f"\r\n\r\n{"x" * 500}'
    sent = Sent(
        method="POST",
        path="/form",
        body=f"--b\r\n{part}\r\n\r\n1\r\n--b\r\n{file}\r\n--b--\r\n".encode(),
        headers=[("content-type", "multipart/form-data; boundary=b")],
    )

    answer = ask(sent)

    assert (answer.status, json.loads(answer.body)) == (200, {"a": "1"})


def test_every_request_is_told_when_it_starts_and_ends(site):
    told = []

    def hear(signal, **more):
        told.append(signal)

    for signal in (request_started, request_finished):
        signal.connect(hear)
    site.answer(rest_api(Sent()))
    for signal in (request_started, request_finished):
        signal.disconnect(hear)

    assert told == [request_started, request_finished]


@pytest.mark.scenario(58)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("in_base64", [False, True])
def test_a_signature_of_stripe_holds_in_every_shape(settings, shape, in_base64):
    settings.ALLOWED_HOSTS = ["pay.example.com"]
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_this_test"]
    stripe = FakeStripe(API_VERSION)
    event = stripe.event(
        "customer.created", {"id": "cus_1", "name": "Zażółć 請求書 🧾"}
    )
    body, signature = stripe.sign(event, "whsec_of_this_test")
    sent = Sent(
        method="POST",
        path="/stripe/webhook/",
        headers=[("stripe-signature", signature), ("content-type", "application/json")],
        body=body,
        in_base64=in_base64,
    )

    answer, _ = gateway.Gateway().answer(SHAPES[shape](sent))

    assert (answer["statusCode"], answer["body"]) == (200, "ok")


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_has_its_name(shape):
    name = gateway.kind_of(SHAPES[shape](Sent()))

    assert name == shape.removesuffix("-several")
