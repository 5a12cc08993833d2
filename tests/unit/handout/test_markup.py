"""HTML for a page of its own: nothing runs, nothing is fetched, nothing is left open, and what is to be read stays."""

from __future__ import annotations

import pytest

from labkit.handout.markup import Found, Rules, rewrite

RULES = Rules(link=lambda address: address, picture=lambda source: source)


def written(html: str, found: Found | None = None, **rules) -> str:
    return rewrite(html, Rules(**{**vars(RULES), **rules}), found if found is not None else Found())


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<script src='https://x.example/a.js'></script>",
        "<iframe src='http://127.0.0.1/'><p>inside</p></iframe>",
        "<object data='x.swf'><embed src='y'></object>",
        "<link rel='stylesheet' href='https://x.example/a.css'>",
        "<meta http-equiv='refresh' content='0;url=https://x.example'>",
        "<base href='https://x.example/'>",
        "<!-- a comment --><!DOCTYPE html>",
    ],
)
def test_what_runs_or_fetches_something_is_dropped_with_all_that_is_in_it(html: str) -> None:
    assert written(f"<p>before</p>{html}<p>after</p>") == "<p>before</p><p>after</p>"


def test_attributes_that_run_or_fetch_something_are_dropped() -> None:
    html = (
        '<p onclick="x()" style="color:red;background:url(https://x.example/a.png)">a</p>'
        '<video src="https://x.example/v.mp4" poster="https://x.example/p.png"></video>'
        '<svg><use href="https://x.example/s.svg#a"></use><use href="#b"></use></svg>'
    )
    assert written(html) == (
        '<p style="color:red;background:none">a</p><video></video><svg><use></use><use href="#b"></use></svg>'
    )


def test_a_picture_that_moves_does_not_change_where_a_link_leads() -> None:
    html = (
        '<svg><a><animate attributeName="href" values="javascript:x()"/><set attributeName="href" to="javascript:x()"/>'
    )
    assert written(f"{html}<text>words</text></a></svg>") == "<svg><a><text>words</text></a></svg>"


@pytest.mark.parametrize("end", ["</style x>", "</style/>", "</STYLE\n a='b'>"])
def test_a_style_sheet_ends_where_a_browser_sees_its_end(end: str) -> None:
    found = Found()
    assert "alert" not in written(f"<style>p{{}}{end}<script>alert(1)</script></style>words", found)
    assert not any("</" in style for style in found.styles)


def test_what_is_left_open_is_closed_and_what_was_never_opened_is_not() -> None:
    assert written("</div></main><div><b>a<i>b</b>") == "<div><b>a<i>b</i></b></div>"
    assert written("<ul><li>a<li>b</ul>") == "<ul><li>a<li>b</ul>"
    assert written("a < b & c &lt; d &#233;") == "a &lt; b & c &lt; d &#233;"


def test_an_output_cannot_end_the_page_or_begin_another() -> None:
    assert written("<html><body><main>words</main></body></html>") == "words"


def test_a_picture_that_is_not_there_leaves_its_words() -> None:
    html = '<img src="https://x.example/a.png" alt="Two hosts &amp; a gate">'
    assert written(html, picture=lambda source: "") == "<em>[Two hosts &amp; a gate]</em>"
    assert written(html, picture=lambda source: "data:x") == '<img src="data:x" alt="Two hosts &amp; a gate">'


def test_a_link_that_leads_nowhere_keeps_its_words() -> None:
    assert written('see <a href="x.py">the file</a>', link=lambda address: "") == "see the file"


def test_headings_get_the_anchors_that_jupyterlab_gives_them_each_its_own() -> None:
    found = Found()
    html = "<h2>Your VPC</h2><h2>What's <em>next</em>?</h2><h2>Your VPC</h2><h3>R&amp;D</h3>"

    assert written(html, found, anchored=True) == (
        '<h2 id="Your-VPC">Your VPC</h2><h2 id="What&#x27;s-next?">What\'s <em>next</em>?</h2>'
        '<h2 id="Your-VPC-1">Your VPC</h2><h3 id="R&amp;D">R&amp;D</h3>'
    )
    assert found.headings == [
        *((2, "Your-VPC", "Your VPC"), (2, "What's-next?", "What's next?")),
        *((2, "Your-VPC-1", "Your VPC"), (3, "R&D", "R&amp;D")),
    ]


def test_a_page_has_one_heading_of_the_first_level() -> None:
    assert written("<h1>a</h1><h1>b</h1>") == "<h1>a</h1><h2>b</h2>"
    assert (
        written("<h1>a</h1><h5>b</h5><h6>c</h6>", Found(has_title=True), deeper=1) == "<h2>a</h2><h6>b</h6><h6>c</h6>"
    )


def test_anchors_are_not_repeated_and_take_a_prefix_along_with_what_points_at_them() -> None:
    html = '<p id="a">1</p><p id="a">2</p><label for="a">x</label><svg fill="url(#a)"></svg>'
    assert written(html, prefix="c--") == (
        '<p id="c--a">1</p><p>2</p><label for="c--a">x</label><svg fill="url(#c--a)"></svg>'
    )


def test_a_measured_value_gives_way_to_its_size_only_when_asked() -> None:
    html = (
        '<td data-as="&lt; 1 s"><b>4</b> ms<br></td><svg role="img" aria-label="4 ms" data-label-as="&lt; 1 s"></svg>'
    )
    asked, found = Found(), Found()

    assert written(html, asked, rounded=True) == '<td>&lt; 1 s</td><svg role="img" aria-label="&lt; 1 s"></svg>'
    assert written(html, found) == '<td><b>4</b> ms<br></td><svg role="img" aria-label="4 ms"></svg>'
    assert (asked.rounded, found.rounded) == (True, False)


def test_a_style_sheet_moves_to_the_page_once() -> None:
    found = Found()
    for _ in range(3):
        assert written("<div><style>.x > p{color:red}</style>a</div>", found) == "<div>a</div>"
    assert found.styles == [".x > p{color:red}"]


def test_what_can_only_be_pressed_is_shown_by_its_words() -> None:
    html = '<p><button type="button" data-commandlinker-command="terminal:open">Open <b>it</b></button></p>'
    assert written(html) == "<p>Open <b>it</b></p>"
    assert written('<li><input type="checkbox" checked disabled> done</li><input>') == "<li>☑  done</li>"


def test_header_cells_say_what_they_head_and_empty_ones_head_nothing() -> None:
    html = (
        '<table border="1"><thead><tr><th></th><th>a</th></tr></thead>'
        "<tbody><tr><th>0</th><td>1</td></tr></tbody></table>"
    )
    assert written(html) == (
        '<table><thead><tr><td></td><th scope="col">a</th></tr></thead>'
        '<tbody><tr><th scope="row">0</th><td>1</td></tr></tbody></table>'
    )
