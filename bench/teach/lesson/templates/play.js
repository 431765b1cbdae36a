// What the pictures to play with share: how numbers are written and things drawn; and last, each is started.

/** Write a number with so many digits at most, as Python's %g does below a million. */
function digits(value, most) {
  return Number(value.toPrecision(most)).toLocaleString("en", { maximumFractionDigits: 20 });
}

function writeSeconds(value) {
  const units = [["s", 1], ["ms", 1e3], ["µs", 1e6], ["ns", 1e9]];
  const [name, factor] = units.find(([, factor]) => value * factor >= 1) ?? units[3];
  return `${Number((value * factor).toPrecision(4))} ${name}`;
}

function writeSize(bytes) {
  const units = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
  const [name, factor] = units.find(([, factor]) => bytes >= factor) ?? units[3];
  const value = bytes / factor;
  return `${value >= 100 ? Math.round(value).toLocaleString("en") : digits(value, 3)} ${name}`;
}

function writeTimes(value) {
  return `${value >= 99.95 ? Math.round(value).toLocaleString("en") : value.toPrecision(3)}×`;
}

/** Put values in a sentence at the names in its braces. */
function fill(sentence, values) {
  return sentence.replace(/{(\w+)}/g, (_, name) => values[name]);
}

/** Add an element of SVG to another, and return it. */
function drawn(parent, name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Add an empty drawing of that size to a stage; it says what the figure's caption does. */
function canvas(figure, width, height) {
  const stage = figure.querySelector(".stage");
  const label = figure.querySelector(".canvas").getAttribute("aria-label");
  return drawn(stage, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

/** Set the cells of a line of a table, of which the first is its head. */
function tableLine(cells) {
  const line = document.createElement("tr");
  for (const [place, text] of cells.entries()) {
    const cell = document.createElement(place ? "td" : "th");
    if (!place) cell.scope = "row";
    cell.append(text);
    line.append(cell);
  }
  return line;
}

/** Put a picture's controls in the place of its still, and let them be played with. */
function start(figure) {
  const name = figure.dataset.play;
  const still = figure.querySelector(".canvas");
  still.after(document.getElementById(`play-${name}`).content.cloneNode(true));
  still.hidden = true;
  ({ growth, traffic })[name](figure, data.plays[name]);
}

for (const figure of document.querySelectorAll("[data-play]")) start(figure);
