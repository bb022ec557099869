// @ts-check
/** The graph of a network: a wide one is shown from its middle, where the data go through. */

/** @param {ParentNode} [within] */
export function centreGraphs(within = document) {
  for (const box of within.querySelectorAll(".graph-box")) {
    const image = box.querySelector("img");
    const centre = () => (box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2);
    if (image?.complete) centre();
    else image?.addEventListener("load", centre, { once: true });
  }
}

centreGraphs();
