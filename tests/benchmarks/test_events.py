from benchmarks import events, rows

KEYS = ["first-key", "second-key"]


def test_reading_walks_over_every_post_before_it_comes_back():
    paths = [events.read_post(number)["path"] for number in range(rows.POSTS + 1)]

    assert len(set(paths)) == rows.POSTS
    assert paths[0] == paths[-1]


def test_writing_says_the_same_for_one_number_and_takes_turns_with_keys():
    first, again, next_ = (events.write_post(number, KEYS) for number in (1, 1, 2))

    assert first == again
    assert first["body"] != next_["body"]
    assert first["headers"]["Authorization"] == "Token second-key"
    assert next_["headers"]["Authorization"] == "Token first-key"


def test_an_event_carries_its_query_and_headers_in_both_forms():
    event = events.list_posts(0)

    assert event["queryStringParameters"] == {"page_size": "10"}
    assert event["multiValueQueryStringParameters"] == {"page_size": ["10"]}
    assert event["multiValueHeaders"] == {
        name: [value] for name, value in event["headers"].items()
    }


def test_readers_come_from_many_addresses_set_aside_for_this():
    addresses = {
        events.list_posts(number)["requestContext"]["identity"]["sourceIp"]
        for number in range(events.READERS)
    }

    assert len(addresses) == events.READERS
    assert all(address.startswith("198.18.") for address in addresses)
