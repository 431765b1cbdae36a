// How the time of a step follows m and n: between two measured shapes on a straight line of logarithms, never beyond.

const BETWEEN = 4; // places of a slider from one measured value to the next
const PLOT = { width: 420, height: 270, left: 52, right: 6, top: 22, bottom: 40 };

/** Return the value at a slider's place, which is a measured one or lies between two of them. */
function along(values, place) {
  const k = Math.floor(place / BETWEEN);
  const share = (place % BETWEEN) / BETWEEN;
  return share ? Math.round(mix(values[k], values[k + 1], share)) : values[k];
}

/** Return what lies between two numbers, in logarithms. */
function mix(a, b, share) {
  return share ? a ** (1 - share) * b ** share : a;
}

/** Return the place of the value before one, and which share of the way to the next it has gone, in logarithms. */
function bracket(values, value) {
  const k = values.findLastIndex((one) => one <= value);
  return k + 1 < values.length ? [k, Math.log(value / values[k]) / Math.log(values[k + 1] / values[k])] : [k, 0];
}

/** Return a rung's seconds on a shape: those measured, or what lies between them. */
function stepSeconds({ samples, features }, { seconds }, m, n) {
  const [i, s] = bracket(samples, m);
  const [j, t] = bracket(features, n);
  const row = (k) => mix(seconds[k][j], seconds[k][j + 1], t);
  return s ? mix(row(i), row(i + 1), s) : row(i);
}

/** Return the seconds of one read of so many bytes; the rate goes straight between those measured. */
function readSeconds({ read }, bytes) {
  const [sizes, rates] = [0, 1].map((part) => read.rates.map((pair) => pair[part]));
  const [k, share] = bracket(sizes, Math.min(Math.max(bytes, sizes[0]), sizes.at(-1)));
  return bytes / (share ? rates[k] * (1 - share) + rates[k + 1] * share : rates[k]);
}

/** Return the marks of a slider: where there is a measured value. */
function ticks(slider, values) {
  const marks = document.createElement("datalist");
  marks.id = `measured-${slider.name}`;
  marks.append(...values.map((_, k) => new Option("", BETWEEN * k)));
  slider.setAttribute("list", marks.id);
  return marks;
}

/** Let the sliders choose a shape, and show its times. */
function growth(figure, picture) {
  const { elements } = figure.querySelector(".controls");
  for (const [name, values] of [["m", picture.samples], ["n", picture.features]]) {
    elements[name].max = BETWEEN * (values.length - 1);
    elements[name].value = BETWEEN * Math.floor(values.length / 2);
    elements[name].after(ticks(elements[name], values));
  }
  const svg = canvas(figure, PLOT.width, PLOT.height);
  svg.dataset.along = figure.querySelector(".stage").dataset.along;
  const show = () => {
    const [m, n] = [along(picture.samples, elements.m.value), along(picture.features, elements.n.value)];
    elements.m_told.value = m.toLocaleString("en");
    elements.n_told.value = n.toLocaleString("en");
    for (const name of "mn") elements[name].setAttribute("aria-valuetext", elements[`${name}_told`].value);
    const measured = picture.samples.includes(m) && picture.features.includes(n);
    plot(svg, picture, m, n, { measured, perNumber: elements.per.value === "number" });
    tell(figure, picture, m, n, measured);
  };
  figure.querySelector(".controls").addEventListener("input", show);
  show();
}

/** Say in words and numbers what the shape is, and how long each rung takes on it. */
function tell(figure, picture, m, n, measured) {
  const told = figure.querySelector(".told");
  const cache = picture.caches.find(([, held]) => 8 * m * n <= held);
  const said = cache ? told.dataset.held : picture.caches.length ? told.dataset.beyond : told.dataset.unknown;
  told.querySelector("output").value = fill(said, { size: writeSize(8 * m * n), cache: cache?.[0] });
  told.querySelector(".measured").hidden = !measured;
  told.querySelector(".between").hidden = measured;
  const body = figure.querySelector("tbody");
  const first = stepSeconds(picture, picture.rungs[0], m, n);
  const line = (name, colour, seconds, ratio) => {
    const head = document.createElement("span");
    head.className = "rung";
    head.style.setProperty("--colour", colour);
    head.append(name);
    return tableLine([head, writeSeconds(seconds), writeSeconds(seconds / (m * n)), ratio]);
  };
  const rungs = picture.rungs.map((rung) => [rung, stepSeconds(picture, rung, m, n)]);
  body.replaceChildren(
    ...rungs.map(([{ name, colour }, seconds]) => line(name, colour, seconds, writeTimes(first / seconds))),
    line(body.dataset.read, picture.read.colour, readSeconds(picture, 8 * m * n), ""),
  );
}

/** Draw lines and labels of the axes: times by powers of ten, sizes by powers of 32. */
function axes(svg, x, y, sizes, times) {
  const [bottom, right] = [PLOT.height - PLOT.bottom, PLOT.width - PLOT.right];
  for (let k = Math.ceil(Math.log10(times[0])); k <= Math.log10(times[1]); k++) {
    const at = y(10 ** k);
    drawn(svg, "line", { class: "grid", x1: PLOT.left, x2: right, y1: at, y2: at });
    drawn(svg, "text", { x: PLOT.left - 6, y: at + 4, "text-anchor": "end" }, writeSeconds(Number(`1e${k}`)));
  }
  for (let size = 1024; size < sizes[1]; size *= 32) {
    if (size < sizes[0]) continue;
    drawn(svg, "line", { class: "tick", x1: x(size), x2: x(size), y1: bottom, y2: bottom + 4 });
    drawn(svg, "text", { x: x(size), y: bottom + 18, "text-anchor": "middle" }, writeSize(size));
  }
  drawn(svg, "line", { class: "tick", x1: PLOT.left, x2: right, y1: bottom, y2: bottom });
  drawn(svg, "text", { class: "title", x: (PLOT.left + right) / 2, y: PLOT.height - 4, "text-anchor": "middle" }, svg.dataset.along);
}

/** Draw the rungs' times over the size of X as m grows, with n as it is, and mark the shape. */
function plot(svg, picture, m, n, { measured, perNumber }) {
  svg.replaceChildren();
  const { samples, features, rungs, caches } = picture;
  const share = (seconds, m, n) => (perNumber ? seconds / (m * n) : seconds);
  const all = samples.flatMap((m, i) => features.flatMap((n, j) => [
    ...rungs.map((rung) => share(rung.seconds[i][j], m, n)), share(readSeconds(picture, 8 * m * n), m, n),
  ]));
  const scale = (low, high, from, to) => (value) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low);
  const [bottom, right] = [PLOT.height - PLOT.bottom, PLOT.width - PLOT.right];
  const sizes = [8 * samples[0] * features[0] * 0.8, 8 * samples.at(-1) * features.at(-1) * 1.25];
  const times = [Math.min(...all) / 1.3, Math.max(...all) * 1.3];
  const [x, y] = [scale(...sizes, PLOT.left, right), scale(...times, bottom, PLOT.top)];
  axes(svg, x, y, sizes, times);
  for (const [name, held] of caches.filter(([, held]) => held > sizes[0] && held < sizes[1])) {
    drawn(svg, "line", { class: "cache", x1: x(held), x2: x(held), y1: PLOT.top - 6, y2: bottom });
    drawn(svg, "text", { class: "cache", x: x(held) - 4, y: PLOT.top - 8, "text-anchor": "end" }, `${name} ${writeSize(held)}`);
  }
  const here = 8 * m * n;
  drawn(svg, "line", { class: "here", x1: x(here), x2: x(here), y1: PLOT.top, y2: bottom });
  const path = (points) => `M${points.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}`;
  const fine = samples.slice(0, -1).flatMap((_, k) => [0, 1, 2, 3].map((part) => along(samples, BETWEEN * k + part)));
  const reading = [...fine, samples.at(-1)].map((m) => [8 * m * n, share(readSeconds(picture, 8 * m * n), m, n)]);
  drawn(svg, "path", { class: "curve read", d: path(reading), stroke: picture.read.colour });
  for (const rung of rungs) {
    const points = samples.map((m) => [8 * m * n, share(stepSeconds(picture, rung, m, n), m, n)]);
    const known = features.includes(n);
    drawn(svg, "path", { class: known ? "curve" : "curve guessed", d: path(points), stroke: rung.colour });
    for (const [a, b] of known ? points : []) drawn(svg, "circle", { cx: x(a), cy: y(b), r: 2.5, fill: rung.colour });
    const seconds = share(stepSeconds(picture, rung, m, n), m, n);
    const fill = measured ? rung.colour : "var(--paper)";
    drawn(svg, "circle", { class: "here", cx: x(here), cy: y(seconds), r: 5, stroke: rung.colour, fill });
  }
}
