// The renderer: what is drawn for what a model writes, and that nothing it writes becomes code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../src/webview/markdown.ts";
import type { Node } from "../src/webview/markdown.ts";

/** Writes a tree down in short: `tag(children)`. */
function short(node: Node): string {
  if (typeof node === "string") return JSON.stringify(node);
  const more = [node.href && `→${node.href}`, node.file && `file ${node.file}`, node.language && `lang ${node.language}`, node.task, node.start].filter(Boolean).join(" ");
  return `${node.tag}${more ? `[${more}]` : ""}(${node.children.map(short).join(" ")})`;
}

const CASES: [string, string][] = [
  ["a\nb\n\nc", 'p("a\\nb") p("c")'],
  ["# One `x`\ntext", 'h1("One " code("x")) p("text")'],
  ["**bold** and *it* and _it_ and ~~no~~", 'p(strong("bold") " and " em("it") " and " em("it") " and " s("no"))'],
  ["snake_case_name and 2 * 3 * 4", 'p("snake_case_name and 2 * 3 * 4")'],
  ["**open and *still", 'p("**open and *still")'],
  ["`a <b> *c*`", 'p(code("a <b> *c*"))'],
  ["```rust\nfn x() {}\n```\nafter", 'pre[lang rust](code("fn x() {}")) p("after")'],
  ["```\nstill growing", 'pre(code("still growing"))'],
  ["- a\n- b\n  - c\n\n  more\n- d", 'ul(li("a") li(p("b") ul(li("c")) p("more")) li("d"))'],
  ["3. x\n4. y", 'ol[3](li("x") li("y"))'],
  ["- [ ] open\n- [x] done", 'ul(li[open]("open") li[done]("done"))'],
  ["> quoted\n> **more**", 'blockquote(p("quoted\\n" strong("more")))'],
  ["| a | b |\n|---|:-:|\n| 1 | `x\\|y` |", 'table(thead(tr(th("a") th("b"))) tbody(tr(td("1") td(code("x|y")))))'],
  ["---", "hr()"],
  ["[t](https://a.b/c_(d)) https://e.f.", 'p(a[→https://a.b/c_(d)]("t") " " a[→https://e.f]("https://e.f") ".")'],
  ["see `src/main.rs:12` and [it](src/x.ts#L3)", 'p("see " a[file src/main.rs:12](code("src/main.rs:12")) " and " a[file src/x.ts:3]("it"))'],
  ["`1.5` and `a.b()` and `..`", 'p(code("1.5") " and " code("a.b()") " and " code(".."))'],
  ["\\*not\\*", 'p("*not*")'],
];

for (const [text, tree] of CASES) {
  test(`draws ${JSON.stringify(text)}`, () => assert.equal(parse(text).map(short).join(" "), tree));
}

test("HTML is text, and only the web and files are followed", () => {
  assert.equal(parse("<script>alert(1)</script><img src=x onerror=y>").map(short).join(), 'p("<script>alert(1)</script><img src=x onerror=y>")');
  for (const target of ["javascript:alert(1)", "command:workbench.action.quit", "data:text/html,x", "vscode://x/y", "JAVASCRIPT:x"]) {
    const tree = JSON.stringify(parse(`[click](${target})`));
    assert.doesNotMatch(tree, /"href"|"file"/, target);
  }
  assert.match(JSON.stringify(parse("![pic](https://evil.example/x.png)")), /"tag":"a"/, "an image is a link, and nothing is loaded");
});

test("no text takes long, or is lost", () => {
  const letters = ["*", "_", "`", "[", "(", "|", "-", ">", "#", " ", "\n", "a", "\\", "~", "<", "1."];
  let seed = 7;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648);
  for (let round = 0; round < 400; round++) {
    const text = Array.from({ length: 200 }, () => letters[random() % letters.length]).join("");
    const shown = JSON.stringify(parse(text)).match(/a/g)?.length ?? 0;
    assert.ok(shown >= (text.match(/a/g)?.length ?? 0), text);
  }
  const nested = "> ".repeat(500) + "- ".repeat(500) + "*".repeat(5000) + "[".repeat(5000);
  const begun = process.cpuUsage().user;
  parse(nested);
  assert.ok(process.cpuUsage().user - begun < 20_000_000);
});
