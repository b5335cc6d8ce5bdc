import pytest


@pytest.fixture
def count_queries(as_user, django_assert_max_num_queries):
    def count(url, user=None):
        client = as_user(user)
        with django_assert_max_num_queries(30) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    return count
