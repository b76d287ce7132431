// Draws what the tables beside the charts say.
const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
const words = document.getElementById("chart-words").dataset;
const style = getComputedStyle(document.documentElement);
const color = (name) => style.getPropertyValue(name).trim();
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

Chart.defaults.color = color("--ink-2");
Chart.defaults.borderColor = color("--line");
Chart.defaults.maintainAspectRatio = false;
if (still) Chart.defaults.animation = false;

function drawMatrix(canvas, { labels, cells }) {
  const most = Math.max(...cells.map((cell) => cell[2]));
  const room = Math.min(22, 320 / labels.length / 2);
  const points = (isRight) =>
    cells
      .filter(([expected, predicted]) => (expected === predicted) === isRight)
      .map(([expected, predicted, n]) => ({ x: predicted, y: expected, n }));
  const set = (label, data, fill) => ({
    label,
    data,
    backgroundColor: fill,
    pointStyle: "rect",
    radius: ({ raw }) => (raw ? 3 + room * Math.sqrt(raw.n / most) : 3),
    hoverRadius: 0,
  });
  const axis = (text) => ({ type: "category", labels, offset: true, title: { display: true, text } });
  return new Chart(canvas, {
    type: "scatter",
    data: { datasets: [set(words.right, points(true), color("--accent")), set(words.wrong, points(false), color("--alert"))] },
    options: {
      scales: { x: axis(words.predicted), y: { ...axis(words.expected), reverse: true } },
      plugins: { tooltip: { callbacks: { label: ({ raw }) => `${raw.y} → ${raw.x || "–"}: ${raw.n}` } } },
    },
  });
}

function drawBins(canvas, bins) {
  const set = (label, key, fill) => ({ label, data: bins.map((bin) => bin[key]), backgroundColor: fill });
  return new Chart(canvas, {
    type: "bar",
    data: {
      labels: bins.map((bin) => `${bin.from}–${bin.to} %`),
      datasets: [set(words.right, "right", color("--accent")), set(words.wrong, "wrong", color("--alert"))],
    },
    options: { scales: { x: { stacked: true }, y: { stacked: true, ticks: { precision: 0 } } } },
  });
}

const matrix = document.getElementById("matrix-chart");
if (matrix) drawMatrix(matrix, read("matrix-data"));
const bins = document.getElementById("bins-chart");
if (bins) drawBins(bins, read("bins-data"));
