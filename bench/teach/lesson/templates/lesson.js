// Hides what a guess is about until the guess is made, and sets the guess beside what was measured.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const near = [];

/** Take away the unit of a guess, where one was typed. */
function bare(text) {
  return text.trim().replace(/\s*(x|×|%|ns)$/i, "");
}

/** Read 30, 1e-8, 10^-8, 100x or 1,000; NaN where it is not a positive number. */
function parse(text) {
  const plain = bare(text).toLowerCase().replace(/[\s,_×%]/g, "");
  const [base, exponent] = plain.split("^");
  const value = exponent === undefined ? Number(plain || NaN) : Number(base) ** Number(exponent || NaN);
  return value > 0 && Number.isFinite(value) ? value : NaN;
}

function verdict(off) {
  const [, said] = data.verdicts.find(([most]) => off <= most);
  const factor = 10 ** off;
  const digits = factor >= 100 ? Math.round(factor) : Number(factor.toPrecision(3));
  return said.replace("{factor}", digits.toLocaleString("en"));
}

function reveal(form) {
  for (const sealed of document.querySelectorAll(`[data-sealed="${form.dataset.guess}"]`)) sealed.hidden = false;
  form.querySelector(".answer").hidden = true;
  form.querySelector(".wrong").hidden = true;
}

/** Place both numbers on a strip of powers of ten. */
function place(strip, guess, measured) {
  const [a, b] = [Math.log10(guess), Math.log10(measured)];
  const low = Math.min(a, b) - 0.5;
  const wide = Math.max(a, b) + 0.5 - low;
  strip.querySelector(".yours").style.left = `${(100 * (a - low)) / wide}%`;
  strip.querySelector(".theirs").style.left = `${(100 * (b - low)) / wide}%`;
}

function compare(form) {
  const text = form.elements.guess.value;
  const { measured, told, sign, factor } = form.dataset;
  const guess = parse(text) * factor;
  form.querySelector(".wrong").hidden = guess > 0;
  if (!(guess > 0)) return;
  const off = Math.abs(Math.log10(guess) - Math.log10(measured));
  const space = sign === "ns" ? " " : ""; // 30 ns, but 30× and 30%, as everywhere
  const words = { guess: bare(text) + space + sign, measured: told, verdict: verdict(off) };
  const said = form.querySelector(".verdict");
  said.querySelector("p").textContent = data.told.replace(/{(\w+)}/g, (_, name) => words[name]);
  said.hidden = false;
  place(said.querySelector(".strip"), guess, measured);
  near.push(off <= data.near);
  document.getElementById("score").textContent = data.score.replace("{near}", near.filter(Boolean).length).replace("{all}", near.length);
  reveal(form);
}

for (const form of document.querySelectorAll("form.guess")) {
  form.hidden = false;
  for (const sealed of document.querySelectorAll(`[data-sealed="${form.dataset.guess}"]`)) sealed.hidden = true;
  form.addEventListener("submit", (event) => { event.preventDefault(); compare(form); });
  form.querySelector(".skip").addEventListener("click", () => reveal(form));
}
document.documentElement.dataset.drawn = document.querySelectorAll(".chart svg").length;
