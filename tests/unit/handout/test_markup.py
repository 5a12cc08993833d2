"""HTML of a cell on a page: nothing runs, nothing is loaded, nothing stays open, and all words are kept."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from labkit.handout.markup import Rules, Summary, rewrite
from labkit.views.copying import copies

RULES = Rules(link=lambda address: address, picture=lambda source: source)


def written(html: str, summary: Summary | None = None, **rules) -> str:
    return rewrite(html, Rules(**{**vars(RULES), **rules}), summary if summary is not None else Summary())


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
        "<noscript><p>inside</p></noscript><template><p>inside</p></template>",
        "<video src='https://x.example/v.mp4' poster='https://x.example/p.png'></video>",
        "<math><mi>x</mi></math>",
        "<!-- a comment -->",
    ],
)
def test_elements_that_run_or_load_something_are_removed(html: str) -> None:
    assert written(f"<p>before</p>{html}<p>after</p>") == "<p>before</p><p>after</p>"


@pytest.mark.parametrize("element", ["plaintext", "xmp", "listing", "noembed", "textarea", "select", "math"])
def test_words_after_an_element_that_reads_markup_otherwise_are_only_words(element: str) -> None:
    inside = "<script>alert(1)</script><img src=//x.example onerror=x()>"
    made = BeautifulSoup(written(f"<p>before</p><{element}>{inside}</{element}>"), "html.parser")
    assert {one.name for one in made(True)} <= {"p", "img"}
    assert not any(one.attrs.keys() - {"alt"} for one in made(True))


@pytest.mark.parametrize(
    "html",
    [
        "<a href='#' ping='https://x.example'>a</a>",
        "<form action='https://x.example'><button formaction='https://x.example'>a</button></form>",
        "<input type=image src='https://x.example/a.png'>",
        "<svg><image href='https://x.example/a.png'/><feImage href='https://x.example/a.png'/></svg>",
        "<svg><style>@import '//x.example/a.css'</style></svg>",
        "<picture><source srcset='https://x.example/a.png'><img src='https://x.example/a.png'></picture>",
        "<audio src='//x.example/a'><track src='//x.example/t'></audio>",
        "<table background='//x.example/a.png'><tr><td background='//x.example/a.png'>a</table>",
        "<body background='//x.example/a.png'>",
        "<frameset><frame src='//x.example'></frameset>",
        "<math><mtext><img src='//x.example/a.png'></mtext></math>",
        "<template><img src='//x.example/a.png'></template>",
    ],
)
def test_nothing_on_another_machine_is_referred_to(html: str) -> None:
    summary = Summary()
    assert "x.example" not in written(html, summary, picture=lambda _: "") + str(summary.styles)


@pytest.mark.parametrize(
    "attribute",
    [
        *("onclick='x()'", "onfocus=x() autofocus", "srcset='https://x.example/a.png 2x'"),
        "background='https://x.example/a.png'",
        *(
            f"style='{css}'"
            for css in (
                "background:url(https://x.example/a.png)",
                "background:u\\72l(https://x.example/a.png)",
                'background:image-set("https://x.example/a.png" 1x)',
                'background:-webkit-image-set("https://x.example/a.png" 1x)',
                "list-style:URL(//x.example/a.png)",
                "background:var(--x, url(//x.example/a.png))",
                "background:url(https://x.example/a",
                "background:IMAGE-SET(url(//x.example/a.png) 1x)",
                "background:cross-fade(url(//x.example/a.png), red)",
                'background:image("https://x.example/a.png")',
                'background:im\\61ge-set("https://x.example/a.png" 1x)',
                "background:element(#a)",
                "--x:url(//x.example/a.png)",
                "background:\\75\\72\\6c(//x.example/a.png)",
                'background:url("//x.example/a.png" cross-origin(anonymous))',
                "background:attr(title type(&lt;url&gt;))",
                "behavior:expression(x())",
                "background:url(data:text/html,x)",
                "background:/**/url(/**/https://x.example/a.png)",
            )
        ),
    ],
)
def test_attributes_that_run_or_load_something_are_removed(attribute: str) -> None:
    assert written(f"<p {attribute}>a</p>") == "<p>a</p>"


@pytest.mark.parametrize(
    "address",
    ["javascript:x()", " JaVaScRiPt:x()", "java\tscript:x()", "data:text/html,x", "da\nta:text/html,x", "\x01data:x"],
)
def test_a_link_runs_nothing(address: str) -> None:
    assert written(f'<a href="{address}">a</a><svg><use href="{address}"/></svg>') == "<a>a</a><svg><use></use></svg>"


def test_a_drawing_refers_only_to_its_own_page() -> None:
    html = (
        '<svg><use href="https://x.example/s.svg#a"></use><use xlink:href="//x.example/s.svg#a"></use>'
        '<use href="#b"></use><path fill="url(#c)" mask="url(https://x.example/s.svg#d)"></path></svg>'
    )
    assert written(html) == ('<svg><use></use><use></use><use href="#b"></use><path fill="url(#c)"></path></svg>')


def test_a_picture_that_moves_does_not_change_where_a_link_leads() -> None:
    html = '<svg><animate attributeName="href" values="javascript:x()"/><set attributeName="href" to="javascript:x()"/>'
    assert written(f"{html}<text>words</text></svg>") == "<svg><text>words</text></svg>"


@pytest.mark.parametrize("end", ["</style x>", "</style/>", "</STYLE\n a='b'>"])
def test_a_style_sheet_ends_where_a_browser_sees_its_end(end: str) -> None:
    summary = Summary()
    assert "alert" not in written(f"<style>p{{}}{end}<script>alert(1)</script></style>words", summary)
    assert not any("</" in style for style in summary.styles)


@pytest.mark.parametrize(
    "rule",
    [
        '@import "https://x.example/a.css";',
        "@font-face { src: url(https://x.example/a.woff) }",
        "@media print { i { background: url(https://x.example/a.png) } }",
        'i { background: image-set("https://x.example/a.png" 1x) }',
        "i { background: u\\72 l(https://x.example/a.png) }",
        "@\\69mport url(https://x.example/a.css);",
        '@namespace "https://x.example/";',
        '@charset "utf-7";',
        "@supports (color: red) { @import 'https://x.example/a.css'; i { color: blue } }",
        "@media print { i { background: image-set('//x.example/a.png' 1x) } }",
        "@layer a { i { background: url(//x.example/a.png) } }",
        "i { &:hover { background: url(//x.example/a.png) } }",
        "i[title^=a] { background: u\\72l(//x.example/a.png) }",
        "i { --x: url(//x.example/a.png) }",
        "@font-face { font-family: x; src: local(x), src('//x.example/a.woff') }",
    ],
)
def test_a_style_sheet_keeps_only_the_rules_that_load_nothing(rule: str) -> None:
    summary = Summary()
    written(f"<style>{rule} b {{ color: red }}</style>", summary)
    assert summary.styles == ["b { color: red }"]


def test_what_is_left_open_is_closed_and_what_was_never_opened_is_not() -> None:
    assert written("</div></main><div><b>a<i>b</b>") == "<div><b>a<i>b</i></b></div>"
    assert written("<ul><li>a<li>b</ul>") == "<ul><li>a</li><li>b</li></ul>"
    assert written("a < b & c &lt; d &#233;") == "a &lt; b &amp; c &lt; d é"


def test_an_output_cannot_end_the_page_or_begin_another() -> None:
    assert written("<html><body><main>words</main></body></html>") == "words"


def test_a_picture_that_is_not_there_leaves_its_words() -> None:
    html = '<img src="https://x.example/a.png" alt="Two hosts &amp; a gate">'
    assert written(html, picture=lambda source: "") == "<em>[Two hosts &amp; a gate]</em>"
    assert written(html, picture=lambda source: "data:image/png;,").startswith(
        '<img alt="Two hosts &amp; a gate" src="data:image/png;,">'
    )


@pytest.mark.parametrize("picture", ['<img src="a" alt="A &lt; B">', '<svg role="img" aria-label="A &lt; B"></svg>'])
def test_what_a_picture_shows_is_below_it_in_words_once(picture: str) -> None:
    told = '<span aria-hidden="true" class="in-words">A &lt; B</span>'
    once = written(picture, picture=lambda _: "data:image/png;,")
    assert once.endswith(told) and written(once, picture=lambda _: "data:image/png;,") == once


def test_a_long_table_that_the_page_has_already_is_its_chosen_row() -> None:
    def table(rows: int, chosen: str) -> str:
        body = "".join(f"<tr><td>{number}</td></tr>" for number in range(rows))
        return f"<table><caption>Rules</caption><tbody>{body}{chosen}</tbody></table>"

    summary, chosen = Summary(), '<tr class="chosen"><td>mine</td></tr>'
    assert written(table(9, ""), summary).count("<tr") == 9
    again = written(table(9, chosen), summary)
    assert again == f"<table><caption>Rules; the other 9 as above</caption><tbody>{chosen}</tbody></table>"
    assert written(table(3, chosen), summary).count("<tr") == 4


def test_a_link_that_leads_nowhere_keeps_its_words() -> None:
    assert written('see <a href="x.py">the file</a>', link=lambda address: "") == "see the file"


def test_headings_get_the_anchors_that_jupyterlab_gives_them_each_its_own() -> None:
    summary = Summary()
    html = "<h2>Your VPC</h2><h2>What's <em>next</em>?</h2><h2>Your VPC</h2><h3>R&amp;D</h3>"

    assert written(html, summary, anchored=True) == (
        '<h2 id="Your-VPC">Your VPC</h2><h2 id="What\'s-next?">What\'s <em>next</em>?</h2>'
        '<h2 id="Your-VPC-1">Your VPC</h2><h3 id="R&amp;D">R&amp;D</h3>'
    )
    assert summary.headings == [
        *((2, "Your-VPC", "Your VPC"), (2, "What's-next?", "What's next?")),
        *((2, "Your-VPC-1", "Your VPC"), (3, "R&D", "R&amp;D")),
    ]


def test_a_page_has_one_heading_of_the_first_level() -> None:
    assert written("<h1>a</h1><h1>b</h1>") == "<h1>a</h1><h2>b</h2>"
    assert (
        written("<h1>a</h1><h5>b</h5><h6>c</h6>", Summary(has_title=True), deeper=1) == "<h2>a</h2><h6>b</h6><h6>c</h6>"
    )


def test_anchors_are_not_repeated_and_take_a_prefix_along_with_what_points_at_them() -> None:
    html = '<p id="a">1</p><p id="a">2</p><label for="a">x</label><svg fill="url(#a)"></svg>'
    assert written(html, prefix="c--") == (
        '<p id="c--a">1</p><p>2</p><label for="c--a">x</label><svg fill="url(#c--a)"></svg>'
    )


def test_a_measured_value_is_rounded_only_when_asked() -> None:
    html = '<p data-as="&lt; 1 s"><b>4</b> ms<br></p><svg aria-label="4 ms" data-label-as="about 1 s"></svg>'
    rounded, summary = Summary(), Summary()

    assert written(html, rounded, rounded=True) == '<p>&lt; 1 s</p><svg aria-label="about 1 s"></svg>'
    assert written(html, summary) == '<p><b>4</b> ms<br></p><svg aria-label="4 ms"></svg>'
    assert (rounded.rounded, summary.rounded) == (True, False)


def test_a_style_sheet_moves_to_the_page_once() -> None:
    summary = Summary()
    for _ in range(3):
        assert written("<div><style>.x > p{color:red}</style>a</div>", summary) == "<div>a</div>"
    assert summary.styles == [".x > p{color:red}"]


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
        '<tbody><tr><th scope="row">0</th><td data-column="a">1</td></tr></tbody></table>'
    )


def test_a_button_that_copies_leaves_nothing_behind():
    html = str(copies(Markup("<p><samp>vpc-0123456789abcdef0</samp></p>")))
    assert "onclick" in html
    assert written(html) == "<p><span><samp>vpc-0123456789abcdef0</samp></span></p>"
