// Plays what the simulated cache did, line by line; Python simulated it (cache.py), this only draws.

const HIT = -1; // what left the cache for a line that was there; -2: nothing had to
const CELL = 10; // a number of X
const SLOTS = 8; // of the cache, beside each other
const SECONDS = 10; // of the whole way; a line is shown for 12 to 60 milliseconds

/** Return what the cache holds after so many uses of a line, how often each came from memory, and the last use. */
function after(run, held, place) {
  const slots = [];
  const times = new Map();
  let fetched = 0;
  for (let k = 0; k < place; k++) {
    const [line, left] = [run.touched[k], run.left[held][k]];
    if (left === HIT) continue;
    const slot = left < 0 ? slots.length : slots.indexOf(left);
    slots[slot] = line;
    times.set(line, (times.get(line) ?? 0) + 1);
    fetched++;
  }
  const hit = place > 0 && run.left[held][place - 1] === HIT;
  return { slots, times, fetched, hits: place - fetched, line: run.touched[place - 1], hit };
}

/** Return how many lines came from memory in all. */
function fetchedInAll(run, held) {
  return run.left[held].filter((left) => left !== HIT).length;
}

/** Return which numbers of X a line holds. */
function numbersOf(picture, order, line) {
  const { samples, features, line: long } = picture;
  const whole = (order === "C" ? features : samples) / long; // lines in a row, or in a column
  const [across, along] = [Math.floor(line / whole), (line % whole) * long];
  return order === "C" ? { row: across, column: along, rows: 1, columns: long } : { row: along, column: across, rows: long, columns: 1 };
}

/** Return which samples the tile in use has, for which sum, and which tile it is. */
function tileAt(picture, run, tile, place) {
  const all = picture.samples / tile;
  const each = run.touched.length / all; // uses of a line: half for z, half for dw
  const k = Math.max(place - 1, 0);
  return { row: Math.floor(k / each) * tile, rows: tile, number: Math.floor(k / each) + 1, all, sum: k % each < each / 2 ? "z" : "dw" };
}

/** Let the reader choose how X lies in memory and is read, and play it. */
function traffic(figure, picture) {
  const { elements } = figure.querySelector(".controls");
  const transport = figure.querySelector(".transport").elements;
  caches(figure, picture);
  elements.tile.max = picture.tiles.length - 1;
  elements.tile.value = picture.tiles.indexOf(picture.tile);
  const svg = canvas(figure, CELL * (picture.features + SLOTS) + 40, CELL * picture.samples + 22);
  let timer = 0;

  const chosen = () => {
    const two = elements.passes.value === "two";
    const tile = two ? picture.samples : picture.tiles[elements.tile.value];
    const order = elements.order.value;
    return { order, tile, two, held: Number(elements.cache.value), run: picture.runs[order][tile] };
  };
  const show = () => {
    const choice = chosen();
    const place = Number(transport.place.value);
    const now = after(choice.run, choice.held, place);
    const tile = tileAt(picture, choice.run, choice.tile, place);
    scene(svg, picture, choice, now, tile, figure.querySelector(".stage").dataset);
    report(figure, now, tile, place);
    transport.place_told.value = `${place} / ${choice.run.touched.length}`;
    transport.place.setAttribute("aria-valuetext", transport.place_told.value);
    transport.step.disabled = place === choice.run.touched.length;
  };
  const play = (on) => {
    clearInterval(timer);
    const most = chosen().run.touched.length;
    timer = on ? setInterval(() => move(1), Math.min(Math.max((1000 * SECONDS) / most, 12), 60)) : 0;
    figure.querySelector(".go").hidden = on;
    figure.querySelector(".stop").hidden = !on;
    figure.querySelector(".status").setAttribute("aria-live", on ? "off" : "polite");
  };
  const move = (lines) => {
    transport.place.value = Number(transport.place.value) + lines;
    if (timer && transport.place.value === transport.place.max) play(false);
    show();
  };
  const choose = () => {
    play(false);
    const choice = chosen();
    elements.tile.disabled = choice.two;
    elements.tile_told.value = choice.tile;
    elements.tile.setAttribute("aria-valuetext", choice.tile);
    transport.place.max = choice.run.touched.length;
    transport.place.value = 0;
    cases(figure, picture, choice);
    show();
  };
  figure.querySelector(".controls").addEventListener("input", choose);
  transport.place.addEventListener("input", () => { play(false); show(); });
  transport.step.addEventListener("click", () => { play(false); move(1); });
  transport.again.addEventListener("click", () => { play(false); move(-transport.place.max); });
  transport.play.addEventListener("click", () => {
    const on = !timer;
    if (on && transport.place.value === transport.place.max) transport.place.value = 0;
    play(on);
  });
  choose();
}

/** Offer each size of the cache. */
function caches(figure, picture) {
  const choice = figure.querySelector(".choice-cache");
  for (const held of picture.caches) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "cache", value: held });
    input.defaultChecked = held === picture.held;
    const said = document.createElement("span");
    said.append(held);
    label.append(input, said);
    choice.append(label);
  }
}

/** Draw X with the tile in it, and the cache. */
function scene(svg, picture, { order, held, run }, now, tile, titles) {
  svg.replaceChildren();
  const [wide, high, top] = [CELL * picture.features, CELL * picture.samples, 20];
  const box = ({ row, column, rows, columns }) => ({ x: CELL * column + 0.75, y: top + CELL * row + 0.75, width: CELL * columns - 1.5, height: CELL * rows - 1.5, rx: 2 });
  drawn(svg, "text", { x: 0, y: 12 }, titles.x);
  for (let line = 0; line < (picture.samples * picture.features) / picture.line; line++) {
    const place = numbersOf(picture, order, line);
    const kind = now.slots.includes(line) ? "held" : now.times.has(line) ? "gone" : "new";
    drawn(svg, "rect", { class: `line ${kind}`, ...box(place) });
  }
  if (now.line !== undefined) {
    const place = numbersOf(picture, order, now.line);
    const used = { ...place, row: Math.max(place.row, tile.row), rows: Math.min(place.rows, tile.rows) };
    drawn(svg, "rect", { class: `line ${now.hit ? "hit" : "memory"} whole`, ...box(place) });
    drawn(svg, "rect", { class: `line ${now.hit ? "hit" : "memory"}`, ...box(used) });
  }
  for (const [line, times] of [...now.times].filter(([, times]) => times > 1)) {
    const { row, column, rows, columns } = numbersOf(picture, order, line);
    const middle = { x: CELL * (column + columns / 2), y: top + CELL * (row + Math.min(rows / 2, 2.5)) + 3.5, "text-anchor": "middle" };
    drawn(svg, "text", { class: now.slots.includes(line) ? "times held" : "times", ...middle }, times);
  }
  const between = Array.from({ length: picture.features - 1 }, (_, k) => `M${CELL * (k + 1)} ${top}v${high}`);
  const below = Array.from({ length: picture.samples - 1 }, (_, k) => `M0 ${top + CELL * (k + 1)}h${wide}`);
  drawn(svg, "path", { class: "numbers", d: [...between, ...below].join("") });
  drawn(svg, "rect", { class: "tile", x: -1, y: top + CELL * tile.row - 1, width: wide + 2, height: CELL * tile.rows + 2, rx: 3 });

  const left = wide + 40;
  drawn(svg, "text", { x: left, y: 12 }, `${titles.cache} ${now.slots.length}/${held}`);
  for (let slot = 0; slot < held; slot++) {
    const line = now.slots[slot];
    const kind = line === undefined ? "empty" : line !== now.line ? "held" : now.hit ? "hit" : "memory";
    drawn(svg, "rect", { class: `line ${kind}`, ...box({ row: Math.floor(slot / SLOTS), column: picture.features + 4 + (slot % SLOTS), rows: 1, columns: 1 }) });
  }
}

/** Say what happens to the line, and count. */
function report(figure, now, tile, place) {
  const status = figure.querySelector(".status");
  const { start, memory, cache } = status.dataset;
  status.textContent = place ? fill(now.hit ? cache : memory, { sum: tile.sum, tile: tile.number, all: tile.all }) : start;
  figure.querySelector("[name=fetched]").value = now.fetched;
  figure.querySelector("[name=hits]").value = now.hits;
}

/** Compare both orders and both ways at the end, and what was measured with them. */
function cases(figure, picture, { order, held, two }) {
  const body = figure.querySelector(".cases tbody");
  const tile = picture.tiles[figure.querySelector("[name=tile]").value];
  const size = writeSize(picture.bytes);
  const lines = Object.entries(picture.runs).map(([name, runs]) => {
    const line = tableLine([fill(body.dataset.lines, { order: name }), ...[picture.samples, tile].map((each) => String(fetchedInAll(runs[each], held)))]);
    if (name === order) line.children[two ? 1 : 2].className = "chosen";
    return line;
  });
  const measured = Object.entries(picture.measured).map(([name, times]) => tableLine([fill(body.dataset.measured, { order: name, size }), ...times.map(writeSeconds)]));
  body.replaceChildren(...lines, ...measured);
}
