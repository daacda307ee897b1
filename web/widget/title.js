// The page's title begins with how many items wait, in all widgets of the page that are to say so: "(3) Election night".

/** How many wait in each. */
const counts = new Map();
/** What was put before the page's own title, and nothing else is ever taken away. */
let put = "";

export function countInTitle(widget, count) {
  if (count) counts.set(widget, count);
  else counts.delete(widget);
  const { title } = document;
  const own = title.slice(title.startsWith(put) ? put.length : 0);
  let sum = 0;
  for (const one of counts.values()) sum += one;
  put = sum ? `(${sum}) ` : "";
  if (put + own !== title) document.title = put + own;
}
