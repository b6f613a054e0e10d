"""The frame of the page that `skillcache report` writes: its style, light and dark, and where the parts stand."""

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --one: #0b6e4f; --two: #b35c00; --focus: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1419; --ink: #e6edf3; --soft: #9da7b3; --line: #3a434d;
  --panel: #171d24; --one: #4cc38a; --two: #f0a35e; --focus: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
header, main, footer { max-width: 84rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { margin: .5rem 0; font-size: 1.6rem; }
h2 { margin: 0 0 .75rem; font-size: 1.2rem; }
dl { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0 0; }
dl div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1.25rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.4rem; font-weight: 600; }
section { border-top: 1px solid var(--line); padding: 1.5rem 0; }
.both { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem; align-items: start; }
@media (max-width: 60rem) { .both { grid-template-columns: minmax(0, 1fr); } }
.chart { min-width: 0; }
.chart svg { width: 100%; height: auto; display: block; }
.chart .xy-graph .series .line { stroke-width: 12px !important; stroke-opacity: 1 !important; }
.table { overflow: auto; max-height: 32rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { text-align: right; white-space: nowrap; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th:first-child, .prose { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 5rem; }
th:first-child { min-width: 9rem; }
th:first-child { font-weight: 500; }
.legend span { display: inline-block; width: .8rem; height: .8rem; margin-left: .8rem; }
.legend .one { background: var(--one); }
.legend .two { background: var(--two); }
thead th { color: var(--soft); font-weight: 600; }
li { margin-bottom: .5rem; max-width: 60rem; }
code { background: var(--panel); border-radius: 4px; padding: .1rem .3rem; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; }
@media print { .both { grid-template-columns: 1fr; } .table { max-height: none; } }
"""

# facts: of the head; body: the sections.
PAGE = (
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>skillcache report</title>
<style>"""
    + _STYLE.replace("{", "{{").replace("}", "}}")
    + """</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><h1>What skillcache has saved</h1><dl>{facts}</dl></header>
<main id="content">
{body}
</main>
<footer>Counted on this machine. Written by <code>skillcache report</code>; nothing was sent anywhere.</footer>
</body>
</html>
"""
)
