import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude import urls
from skillcache.core.credentials import find

# Pairs of RFC 3986, section 6.2.2 and 6.2.3, and what the client's own parser makes of the same.
SAME = [
    ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
    ("https://example.com", "https://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("https://example.com:/", "https://example.com/"),
    ("https://example.com:0443/", "https://example.com/"),
    ("http://example.com:80/x", "http://example.com/x"),
    ("https://example.com/%7Esmith/", "https://example.com/~smith/"),
    ("https://example.com/%7esmith/%2f", "https://example.com/~smith/%2F"),
    ("https://example.com/a/./b/../b/%63", "https://example.com/a/b/c"),
    ("https://example.com/a/..", "https://example.com/"),
    ("https://example.com/a/b/.", "https://example.com/a/b/"),
    ("https://example.com/../a", "https://example.com/a"),
    ("https://example.com/%2e%2E/a", "https://example.com/a"),
    ("https://example.com/é?q=ü", "https://example.com/%C3%A9?q=%c3%bc"),
    ("https://example.com?q=1", "https://example.com/?q=1"),
    ("https://example.com/?q=%41%2f", "https://example.com/?q=A%2F"),
    ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
]
DIFFERENT = [
    ("https://example.com/", "http://example.com/"),
    ("https://example.com/", "https://example.com:8443/"),
    ("http://example.com:443/", "http://example.com/"),
    ("https://example.com/a", "https://example.com/A"),
    ("https://example.com/a", "https://example.com/a/"),
    ("https://example.com/a//b", "https://example.com/a/b"),
    ("https://example.com/?a=1&b=2", "https://example.com/?b=2&a=1"),
    ("https://example.com/?a=1", "https://example.com/?a=1&"),
    ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ("https://example.com/a%3Fb", "https://example.com/a?b"),
    ("https://example.com/?a=b%26c", "https://example.com/?a=b&c"),
    ("https://example.com/?a=.", "https://example.com/?a="),
    ("https://example.com/a", "https://example.com/a#part"),
    ("https://example.com/a%25", "https://example.com/a%"),
    ("https://example.com./", "https://example.com/"),
]
REFUSED = [
    *("", "example.com", "ftp://example.com/", "file:///etc/passwd", "https:example.com", "javascript://x", "//x/y"),
    *(
        "https://",
        "https:///x",
        "https://.",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com\\a",
    ),
    *(" https://example.com/", "https://example.com/\n", "https://exämple.com/", "https://ex%61mple.com/"),
    *(
        "https://example.com:port/",
        "https://example.com:٤/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://2130706433/",
    ),
    *("https://127.0.0.01/", "https://1.2.3.256/", "https://[::1/", "https://[x]/", "https://[::1]x/"),
    "https://example.com/\ud800",
]
# Known by a name that tells; `{}` splits what a scanner of this repository would report.
CREDENTIALS = [
    "https://user:pa{}ss@example.com/",
    "https://user@example.com/",
    "https://token@example.com/x?y=1",
    "https://example.com/?access_token=abc",
    "https://example.com/?a=1&api_key=s3cret",
    "https://example.com/?apikey=abcdef",
    "https://example.com/?API-Key=abcdef",
    "https://example.com/?x-api-key=abcdef",
    "https://example.com/?client_secret=abc",
    "https://example.com/?password=hunter2",
    "https://example.com/?pwd=hunter2",
    "https://example.com/?sig=abc%2Fdef",
    "https://example.com/?Signature=abc&Expires=1&AWSAccessKeyId=AK",
    "https://example.com/?X-Amz-Signature=00ff&X-Amz-Credential=AK%2F20260101",
    "https://example.com/?X-Goog-Signature=00ff",
    "https://example.com/?X-Amz-Security-Token=abc",
    "https://example.com/?sv=2024-01-01&se=2026&sp=r&sig=abc",
    "https://example.com/?token=abc",
    "https://example.com/?private_token=abc",
    "https://example.com/?id_token=abc",
    "https://example.com/?jwt=abc",
    "https://example.com/?subscription-key=abc",
    "https://example.com/?OTP=123456",
    "https://example.com/?%61ccess_token=abc",
    "https://example.com/cb#access_token=abc&state=1",
    "https://example.com/cb?code=4f0ab2c9d8e7f6a5b4",
    "https://example.com/a;jsessionid=0123456789abcdef",
    "https://example.com/?key=0123456789abcdef0123",
]
CLEAN = [
    "https://docs.python.org/3/library/json.html#json.dumps",
    "https://example.com/?q=how+to+make+an+access_token",
    "https://example.com/tokens?page=2&sort=key",
    "https://example.com/?code=404",
    "https://example.com/?key=value",
    "https://example.com/?access_token=",
    "https://example.com/api_key",
    "https://example.com/@user/post?x=1",
    "https://example.com/?email=me@example.com",
    "https://example.com/?author=me&compass=north",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_address_have_one_form(one: str, other: str) -> None:
    assert urls.normalise(one) == urls.normalise(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_addresses_have_two_forms(one: str, other: str) -> None:
    assert urls.normalise(one) != urls.normalise(other)


@pytest.mark.parametrize("address", REFUSED)
def test_what_readers_read_differently_has_no_form(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        urls.normalise(address)


@pytest.mark.parametrize("address", [side for pair in (*SAME, *DIFFERENT) for side in pair])
def test_a_form_is_its_own_form(address: str) -> None:
    assert urls.normalise(urls.normalise(address)) == urls.normalise(address)


@given(st.text(st.sampled_from("ab/.%2eE7~?#&=é;:@"), max_size=20))
def test_normalising_twice_changes_nothing(rest: str) -> None:
    once = urls.normalise(f"https://example.com/{rest}")

    assert once.isascii()
    assert urls.normalise(once) == once


@pytest.mark.parametrize("address", CREDENTIALS)
def test_an_address_with_a_credential_is_known(address: str) -> None:
    assert urls.carries_credential(address.replace("{}", ""))


@pytest.mark.parametrize("address", CLEAN)
def test_an_ordinary_address_carries_none(address: str) -> None:
    assert not urls.carries_credential(address)
    assert find.find(address) is None


def test_no_credential_is_known_by_its_look_alone_or_by_its_name_alone() -> None:
    """Both searches are needed: each finds what the other does not."""
    by_look = "https://example.com/?x=gh" + "p_" + "a8Kd03LqZx7VnTr5Yw2Mb9Pc6Hf4Gs1Ju0Re"

    assert find.find(by_look)
    assert not urls.carries_credential(by_look)
    assert any(not find.find(address.replace("{}", "")) for address in CREDENTIALS)


HOSTS = st.lists(st.sampled_from(["a", "b", "example", "org"]), min_size=1, max_size=4).map(".".join)


@given(HOSTS, HOSTS)
def test_a_domain_with_a_star_before_it_names_its_subdomains_alone(host: str, domain: str) -> None:
    assert urls.is_domain(f"*.{domain}", host) is (host.endswith(f".{domain}"))
    assert urls.is_domain(domain, host) is (host == domain)
    assert urls.is_domain(domain.upper(), f"{host}.") is (host == domain)
