// Makes the tables and charts follow the selectors. Without it the page shows the tables of one choice.
"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const data = read("data");
const selects = [...document.querySelectorAll("select")];
const views = [];

const choice = () => Object.fromEntries(selects.map((select) => [select.name, select.value]));

/** Show the tables that belong to the choice, and say so where there is none. */
function showTables(chosen) {
  for (const table of document.querySelectorAll("[data-choice]")) {
    table.hidden = selects.some(({ name }) => name in table.dataset && table.dataset[name] !== chosen[name]);
  }
  for (const none of document.querySelectorAll(".none")) {
    const shown = none.nextElementSibling;
    none.hidden = shown.querySelector(".scroll:not([hidden])") !== null;
    shown.hidden = !none.hidden;
  }
}

/** Give the charts the choice; a chart knows the selectors it follows as signals. */
function showCharts(chosen) {
  for (const view of views) {
    for (const name of Object.keys(view.getState({ signals: (name) => name in chosen, data: () => false }).signals)) {
      view.signal(name, chosen[name]);
    }
    view.runAsync();
  }
}

function show() {
  const chosen = choice();
  showTables(chosen);
  showCharts(chosen);
  const ladder = document.querySelector("[aria-labelledby=h-ladder] .scroll:not([hidden])");
  document.getElementById("status").textContent = ladder ? `Shown: ${ladder.getAttribute("aria-label")}` : "Nothing was measured for this choice";
}

async function draw(name, spec) {
  const place = document.getElementById(`chart-${name}`);
  for (const set of spec.data) {
    if (set.name in data) set.values = structuredClone(data[set.name]); // a view marks what it is given
  }
  // Interpreted (ast), for the content security policy forbids eval; 1: a choice without figures is no warning.
  const options = { mode: "vega", renderer: "svg", ast: true, actions: false, logLevel: 1 };
  const { view } = await vegaEmbed(place, spec, options);
  views.push(view);
  place.parentElement.after(saveButton(name, view));
}

/** Offer a chart as a file, to publish. */
function saveButton(name, view) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Save as SVG" });
  button.addEventListener("click", async () => {
    const address = URL.createObjectURL(new Blob([await view.toSVG()], { type: "image/svg+xml" }));
    Object.assign(document.createElement("a"), { href: address, download: `looptax-${name}.svg` }).click();
    URL.revokeObjectURL(address);
  });
  return button;
}

for (const form of document.querySelectorAll("form")) form.hidden = false;
for (const select of selects) select.addEventListener("change", show);
document.addEventListener("submit", (event) => event.preventDefault());
Promise.all(Object.entries(read("specs")).map(([name, spec]) => draw(name, spec))).then(() => {
  show();
  document.documentElement.dataset.drawn = views.length;
});
