// @ts-check
/** Classes of pixels over their picture. Ids and scores come as PNGs (see render.py); all colouring is done here. */

const box = /** @type {HTMLElement} */ (document.getElementById("segmentation"));
if (box) start();

/** @typedef {{ id: number, row: HTMLTableRowElement, label: string, colour: number[], box: HTMLInputElement }} Class */

async function start() {
  const NONE = 255;
  const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const [answers, scores] = await Promise.all([pixels(box.dataset.answers ?? ""), pixels(box.dataset.scores ?? "")]);
  const { width, height } = answers;
  const count = width * height;
  const [best, second, truth] = [0, 1, 2].map((channel) => plane(answers, channel));
  const classes = new Map([...$("seg-classes").querySelectorAll("tr[data-class]")].map((row) => [Number(row.dataset.class), classOf(row)]));
  const photo = /** @type {HTMLImageElement} */ (box.querySelector(".seg-picture img"));
  const frame = /** @type {HTMLElement} */ (box.querySelector(".seg-picture"));
  const stage = $("seg-stage");
  const slider = $("seg-opacity");
  const layers = /** @type {HTMLInputElement[]} */ ([...box.querySelectorAll('input[name="layer"]')]);
  const thumbs = /** @type {HTMLButtonElement[]} */ ([...$("seg-thumbs").querySelectorAll("button")]);

  /** The picture of classes: clear where a class is switched off. @param {Uint8ClampedArray} ids */
  function coloured(ids) {
    const image = new ImageData(width, height);
    const table = new Uint32Array(256);
    for (const each of classes.values()) {
      if (each.box.checked) table[each.id] = (0xff000000 | (each.colour[2] << 16) | (each.colour[1] << 8) | each.colour[0]) >>> 0;
    }
    const out = new Uint32Array(image.data.buffer); // little-endian everywhere that browsers run
    for (let i = 0; i < count; i++) out[i] = table[ids[i]];
    return image;
  }

  /** White lines between classes of which one is shown, 3 pixels of the screen wide at any size. @param {HTMLCanvasElement} canvas */
  function drawLines(canvas) {
    const shown = frame.clientWidth / width || 1;
    const fine = Math.max(1, Math.min(4, Math.round(shown), Math.floor(4096 / Math.max(width, height))));
    [canvas.width, canvas.height] = [width * fine, height * fine];
    if (layerOf() !== "overlay" || !$("seg-outlines").checked) return;
    const on = new Uint8Array(256);
    for (const each of classes.values()) on[each.id] = Number(each.box.checked);
    const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    brush.scale(fine, fine);
    brush.lineWidth = 3 / shown;
    brush.lineCap = "square";
    brush.strokeStyle = "rgb(255 255 255 / 60%)";
    brush.beginPath();
    const between = (/** @type {number} */ a, /** @type {number} */ b) => best[a] !== best[b] && (on[best[a]] || on[best[b]]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        if (x + 1 < width && between(at, at + 1)) (brush.moveTo(x + 1, y), brush.lineTo(x + 1, y + 1));
        if (y + 1 < height && between(at, at + width)) (brush.moveTo(x, y + 1), brush.lineTo(x + 1, y + 1));
      }
    }
    brush.stroke();
  }

  /** Red where the class is wrong, over a pale picture; clear where nothing is known. */
  function mistaken() {
    const image = new ImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < count; i++) out[i] = truth[i] !== NONE && truth[i] !== best[i] ? 0xff1c24d1 : 0xbff0f0f0;
    return image;
  }

  /** @param {string} layer @param {CanvasRenderingContext2D} fill */
  function draw(layer, fill) {
    fill.clearRect(0, 0, width, height);
    if (layer === "mistakes") fill.putImageData(mistaken(), 0, 0);
    else if (layer !== "picture") fill.putImageData(coloured(layer === "label" ? truth : best), 0, 0);
  }

  const layerOf = () => layers.find((each) => each.checked)?.value ?? "overlay";

  function show() {
    const layer = layerOf();
    draw(layer, $("seg-fill").getContext("2d"));
    drawLines($("seg-lines"));
    $("seg-fill").style.opacity = layer === "overlay" ? slider.value / 100 : 1;
    photo.style.visibility = layer === "mask" || layer === "label" ? "hidden" : "";
    photo.style.filter = layer === "mistakes" ? "grayscale(1)" : "";
    slider.disabled = layer !== "overlay";
    slider.parentElement.querySelector("output").textContent = `${slider.value} %`;
    for (const each of thumbs) each.setAttribute("aria-pressed", String(each.dataset.layer === layer));
  }

  function showThumbs() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    for (const each of thumbs) {
      const layer = each.dataset.layer ?? "";
      const out = /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ (each.querySelector("canvas")).getContext("2d"));
      out.clearRect(0, 0, width, height);
      out.filter = layer === "mistakes" ? "grayscale(1)" : "none";
      if (layer !== "mask" && layer !== "label") out.drawImage(photo, 0, 0);
      out.filter = "none";
      draw(layer, brush);
      out.globalAlpha = layer === "overlay" ? slider.value / 100 : 1;
      out.drawImage(canvas, 0, 0);
      out.globalAlpha = 1;
    }
  }

  function redraw() {
    show();
    showThumbs();
  }

  /** As wide as there is room for, and no higher than can be seen at once; or pixel by pixel. */
  function fit() {
    const whole = $("seg-zoom").getAttribute("aria-pressed") === "true";
    const room = stage.clientWidth - 2 * parseFloat(getComputedStyle(stage).paddingLeft);
    const scale = whole ? Math.max(4, Math.ceil(room / width)) : Math.min(room / width, Math.max(1, 720 / height));
    frame.style.width = `${Math.round(width * scale)}px`;
    frame.style.height = `${Math.round(height * scale)}px`;
    $("seg-scale").textContent = `, shown at ${scale.toFixed(1)} times`;
    photo.style.imageRendering = whole || scale >= 3 ? "pixelated" : "";
    drawLines($("seg-lines"));
  }

  const tip = $("seg-tip");
  function hide() {
    tip.hidden = true;
    for (const each of classes.values()) each.row.classList.remove("under");
  }

  frame.addEventListener("pointermove", (event) => {
    const place = frame.getBoundingClientRect();
    const x = Math.floor(((event.clientX - place.left) / place.width) * width);
    const y = Math.floor(((event.clientY - place.top) / place.height) * height);
    if (x < 0 || y < 0 || x >= width || y >= height) return hide();
    const at = y * width + x;
    const lines = tip.querySelectorAll("p");
    tell(lines[0], best[at], scores.data[4 * at]);
    tell(lines[1], second[at], scores.data[4 * at + 1]);
    lines[1].hidden = scores.data[4 * at + 1] === 0;
    const label = truth[at] === NONE ? "" : `. Label: ${classes.get(truth[at])?.label ?? truth[at]}`;
    lines[2].textContent = `x ${x}, y ${y}${label}`;
    for (const each of classes.values()) each.row.classList.toggle("under", each.id === best[at]);
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX + 16, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 10, innerHeight - tip.offsetHeight - 8)}px`;
  });
  frame.addEventListener("pointerleave", hide);

  /** @param {HTMLElement} line @param {number} id @param {number} score of 255 */
  function tell(line, id, score) {
    const [swatch, name, share] = /** @type {HTMLElement[]} */ ([...line.children]);
    const each = classes.get(id);
    swatch.style.background = each ? `rgb(${each.colour.join(" ")})` : "transparent";
    name.textContent = each?.label ?? `class ${id}`;
    share.textContent = score > 252 && score < 255 ? "> 99 %" : `${Math.round(score / 2.55)} %`;
  }

  slider.addEventListener("input", () => {
    $("seg-fill").style.opacity = slider.value / 100;
    slider.parentElement.querySelector("output").textContent = `${slider.value} %`;
    showThumbs();
  });
  $("seg-outlines").addEventListener("change", show);
  box.addEventListener("change", (event) => /** @type {HTMLInputElement} */ (event.target).name === "layer" && show());
  $("seg-classes").addEventListener("change", redraw);
  for (const each of thumbs) each.addEventListener("click", () => choose(layers.findIndex((layer) => layer.value === each.dataset.layer)));
  for (const button of document.querySelectorAll("[data-seg-all]")) {
    button.addEventListener("click", () => {
      for (const each of classes.values()) each.box.checked = Boolean(/** @type {HTMLElement} */ (button).dataset.segAll);
      redraw();
    });
  }
  $("seg-zoom").addEventListener("click", () => {
    const whole = $("seg-zoom").getAttribute("aria-pressed") !== "true";
    $("seg-zoom").setAttribute("aria-pressed", String(whole));
    $("seg-zoom").textContent = whole ? "Zoom to fit" : "Zoom to pixels";
    fit();
  });
  addEventListener("resize", fit);
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || /** @type {HTMLElement} */ (event.target).closest("input:not([type=radio], [type=checkbox], [type=range]), select, textarea")) return;
    if (event.key >= "1" && event.key <= String(layers.length)) choose(Number(event.key) - 1);
    if (event.key.toLowerCase() === "o") {
      slider.value = slider.value >= 100 ? 0 : Math.min(100, Number(slider.value) + 20);
      slider.dispatchEvent(new Event("input"));
    }
  });

  /** @param {number} place */
  function choose(place) {
    layers[place].checked = true;
    show();
  }

  await photo.decode();
  fit();
  redraw();
}

/** The pixels of a PNG, as they are: it has no transparency and no profile. @param {string} address */
async function pixels(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  brush.drawImage(image, 0, 0);
  return brush.getImageData(0, 0, canvas.width, canvas.height);
}

/** @param {ImageData} image @param {number} channel */
function plane(image, channel) {
  const out = new Uint8ClampedArray(image.width * image.height);
  for (let i = 0; i < out.length; i++) out[i] = image.data[4 * i + channel];
  return out;
}

/** @param {HTMLTableRowElement} row @returns {Class} */
function classOf(row) {
  const colour = (row.dataset.colour ?? "").split(",").map(Number);
  const swatch = /** @type {HTMLElement} */ (row.querySelector(".swatch"));
  swatch.style.background = `rgb(${colour.join(" ")})`;
  return {
    id: Number(row.dataset.class), row, colour, label: (row.querySelector(".seg-name")?.textContent ?? "").trim(),
    box: /** @type {HTMLInputElement} */ (row.querySelector("input")),
  };
}
