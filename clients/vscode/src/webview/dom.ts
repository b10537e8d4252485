// Making elements of the page. Not here: what they say. Nothing is ever parsed as HTML, so that no text can become code.
import type { Element as Tree, Node as TreeNode } from "./markdown.ts";

/** What an element gets besides children: a class, attributes, and what it does. */
export interface Made {
  class?: string;
  title?: string;
  label?: string;
  role?: string;
  hidden?: boolean;
  tabIndex?: number;
  data?: Record<string, string>;
  click?: (event: MouseEvent) => void;
}

/** Makes an element. */
export function make<T extends keyof HTMLElementTagNameMap>(tag: T, made: Made = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  if (made.class) element.className = made.class;
  if (made.title) element.title = made.title;
  if (made.label) element.setAttribute("aria-label", made.label);
  if (made.role) element.setAttribute("role", made.role);
  if (made.hidden) element.hidden = true;
  if (made.tabIndex !== undefined) element.tabIndex = made.tabIndex;
  for (const [name, value] of Object.entries(made.data ?? {})) element.dataset[name] = value;
  if (made.click) element.addEventListener("click", made.click as EventListener);
  element.append(...children);
  return element;
}

/** Makes a button. */
export function button(text: string, click: () => void, made: Made = {}): HTMLButtonElement {
  const element = make("button", { ...made, click: () => click() }, text);
  element.type = "button";
  return element;
}

/** What a link or a block of code can be asked to do. */
export interface Actions {
  openFile(file: string): void;
  copy(text: string): void;
  insert(text: string): void;
}

/** Draws a tree of Markdown. */
export function draw(trees: Tree[], actions: Actions): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const tree of trees) fragment.append(node(tree, actions));
  return fragment;
}

function node(tree: TreeNode, actions: Actions): Node {
  if (typeof tree === "string") return document.createTextNode(tree);
  const element = document.createElement(tree.tag);
  element.append(...tree.children.map((child) => node(child, actions)));
  if (tree.start !== undefined) element.setAttribute("start", String(tree.start));
  if (tree.task) {
    element.classList.add("task");
    element.prepend(make("span", { class: "tick", role: "img", label: tree.task === "done" ? "done" : "open" }, tree.task === "done" ? "☑ " : "☐ "));
  }
  if (tree.tag === "a") wireLink(element as HTMLAnchorElement, tree, actions);
  return tree.tag === "pre" ? codeBlock(element, tree, actions) : tree.tag === "table" ? make("div", { class: "scroll" }, element) : element;
}

function wireLink(element: HTMLAnchorElement, tree: Tree, actions: Actions): void {
  if (tree.href !== undefined) {
    // The editor asks before it opens an address.
    element.href = tree.href;
    element.title = tree.href;
    return;
  }
  element.href = "#";
  element.title = `Open ${tree.file}`;
  element.addEventListener("click", (event) => {
    event.preventDefault();
    actions.openFile(tree.file!);
  });
}

function codeBlock(pre: HTMLElement, tree: Tree, actions: Actions): HTMLElement {
  const text = pre.textContent ?? "";
  pre.tabIndex = 0;
  const bar = make("div", { class: "bar" }, make("span", {}, tree.language ?? ""), button("Copy", () => actions.copy(text)), button("Insert", () => actions.insert(text), { title: "Insert at the cursor of the editor" }));
  return make("div", { class: "code" }, bar, pre);
}
