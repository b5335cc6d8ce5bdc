import logging

import pytest

TOKEN = "ntOpH_Dl11sK1_9j5uA0RJxYJqCbzKgj"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"/i/{TOKEN}/", f"/accounts/invitations/{TOKEN}/"])
def test_a_refused_link_is_not_told_to_the_log(client, caplog, path):
    with caplog.at_level(logging.WARNING, logger="django.request"):
        client.get(path)

    told = [message.partition(": ")[2] for message in caplog.messages]
    assert told == [path.replace(TOKEN, "…")]


def test_other_lines_are_left_as_they_are(caplog):
    logging.getLogger("django.request").warning("%s took %d s", "/blog/", 3)
    logging.getLogger("django.request").warning("nothing")

    assert caplog.messages == ["/blog/ took 3 s", "nothing"]
