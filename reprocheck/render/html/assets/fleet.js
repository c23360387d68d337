'use strict';
// The bars over the list of members. Names come as text and go out as text.
(() => {
  const holder = document.getElementById('chart');
  const point = document.getElementById('chart-point');
  const data = JSON.parse(document.getElementById('fleet-data').textContent);
  const standing = point.textContent;
  const places = data.outlying.map((_, index) => index + 1);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let chart = null;

  const draw = () => {
    if (chart) chart.destroy();
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
    const whole = (_, values) => values.map((value) => (Number.isInteger(value) ? String(value) : ''));
    chart = new uPlot(
      {
        width: Math.max(200, holder.clientWidth),
        height: 190,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { time: false, range: () => [0.25, places.length + 0.75] },
          y: { range: (_, low, high) => [0, Math.max(1, high) * 1.1] },
        },
        axes: [{ ...axis, values: whole }, { ...axis, values: whole }],
        series: [
          {},
          {
            stroke: colour('--accent'),
            fill: colour('--accent'),
            paths: uPlot.paths.bars({ size: [0.7, 40] }),
            points: { show: false },
          },
        ],
        hooks: {
          setCursor: [
            (self) => {
              const index = self.cursor.idx;
              const known = index !== null && index !== undefined;
              point.textContent = known ? `${data.names[index]}: ${data.outlying[index]}` : standing;
            },
          ],
        },
      },
      [places, data.outlying],
      holder,
    );
    holder.dataset.drawn = String(places.length);
  };

  draw();
  document.addEventListener('colours', draw);
  new ResizeObserver(() => {
    const width = Math.max(200, holder.clientWidth);
    if (chart.width !== width) chart.setSize({ width, height: 190 });
  }).observe(holder);
})();
