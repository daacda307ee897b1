// Makes what stands in the document into what it should be, keeping every node that is right already: so focus stays
// where it is, a film goes on, and only what was corrected is touched.

/** What the widget adds to an article that is in the document. */
const OWN = new Set(["tabindex", "aria-posinset", "aria-setsize", "data-target"]);

/** Makes `old` like `made`, which is used up. Both are elements of one name. */
export function become(old, made) {
  if (old.isEqualNode(made)) return;
  for (const { name } of [...old.attributes]) if (!made.hasAttribute(name) && !OWN.has(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes) if (!OWN.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  let at = old.firstChild;
  for (const child of [...made.childNodes]) {
    let same = at;
    while (same && !same.isEqualNode(child) && !opened(same, child)) same = same.nextSibling;
    if (same) {
      while (at !== same) at = drop(at);
      // What stands in the place of a picture says what that shows.
      if (child.alt && opened(same, child)) same.textContent = child.alt;
      at = same.nextSibling;
    } else if (at && at.nodeName === child.nodeName && at.nodeType === 1 && !opened(at)) {
      become(at, child);
      at = at.nextSibling;
    } else {
      old.insertBefore(child, at);
    }
  }
  while (at) at = drop(at);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** What was put in the place of something (an embed that was opened, a picture that is not to be had) stays there. */
function opened(old, made) {
  const source = old.dataset?.instead;
  return source && (!made || source === (made.dataset?.src ?? made.getAttribute?.("src")));
}

/** Makes these the children, in this order, moving only what stands elsewhere. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}
