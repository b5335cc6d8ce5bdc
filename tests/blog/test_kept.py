from uuid import uuid4

from blog.kept import Answer, Shelf

EDITION = uuid4()


def answer(size):
    return Answer(EDITION, b"x" * size, '"tag"')


def test_what_was_put_there_is_given_again():
    shelf = Shelf()
    shelf.put("/a", answer(10))

    assert shelf.get("/a") == answer(10)
    assert shelf.get("/b") is None


def test_what_nobody_asked_for_the_longest_makes_room():
    shelf = Shelf(largest=40)
    for address in ("/a", "/b", "/c"):
        shelf.put(address, answer(10))
    shelf.get("/a")

    shelf.put("/d", answer(10))

    assert list(shelf.answers) == ["/c", "/a", "/d"]
    assert shelf.size == 36


def test_the_same_address_takes_its_place_once():
    shelf = Shelf()
    shelf.put("/a", answer(10))

    shelf.put("/a", answer(5))

    assert (shelf.get("/a"), shelf.size) == (answer(5), 7)


def test_what_is_larger_than_the_shelf_is_not_kept():
    shelf = Shelf(largest=10)

    shelf.put("/a", answer(20))

    assert (shelf.answers, shelf.size) == ({}, 0)
