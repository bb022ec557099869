// @ts-check
/** Class-activation maps over a picture: which class, and how strong. */

const choice = /** @type {HTMLSelectElement | null} */ (document.getElementById("map-class"));
const slider = /** @type {HTMLInputElement | null} */ (document.getElementById("map-opacity"));
const maps = /** @type {HTMLImageElement[]} */ ([...document.querySelectorAll("#map img.over")]);

function draw() {
  maps.forEach((map, place) => {
    map.hidden = place !== choice?.selectedIndex;
    map.style.opacity = String(Number(slider?.value ?? 70) / 100);
  });
}

choice?.addEventListener("change", draw);
slider?.addEventListener("input", draw);
draw();
