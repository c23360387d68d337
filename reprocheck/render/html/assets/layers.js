'use strict';
// Places nodes in layers from left to right: whoever requires stands left of what it requires.
// Linear in nodes and edges but for the sorting, without recursion and without chance.
// layers(sizes: [{width, height}], edges: [[from, to]]) -> [{x, y}]
const layers = (sizes, edges) => {
  const GAP_X = 90;
  const GAP_Y = 18;
  const SWEEPS = 4;
  const count = sizes.length;
  const down = sizes.map(() => []);
  const up = sizes.map(() => []);
  for (const [from, to] of edges) if (from !== to) down[from].push(to);

  // Depth first: an edge back to a node that is still open closes a cycle and is left out.
  const FRESH = 0;
  const OPEN = 1;
  const DONE = 2;
  const state = new Uint8Array(count);
  const next = new Uint32Array(count);
  const order = [];
  const entered = sizes.map(() => 0);
  for (const targets of down) for (const target of targets) entered[target] += 1;
  const starts = sizes.map((_, node) => node).sort((a, b) => Math.sign(entered[a]) - Math.sign(entered[b]) || a - b);
  for (const start of starts) {
    if (state[start] !== FRESH) continue;
    const stack = [start];
    state[start] = OPEN;
    while (stack.length) {
      const node = stack[stack.length - 1];
      if (next[node] < down[node].length) {
        const target = down[node][next[node]];
        next[node] += 1;
        if (state[target] === OPEN) continue;
        up[target].push(node);
        if (state[target] === FRESH) {
          state[target] = OPEN;
          stack.push(target);
        }
      } else {
        state[node] = DONE;
        order.push(node);
        stack.pop();
      }
    }
  }
  order.reverse();
  // The longest way from above keeps every edge pointing right; in a large graph it makes a thread of layers,
  // so there the first way that is found counts.
  const LARGE = 300;
  const depth = new Uint32Array(count);
  for (const node of order) {
    const ways = up[node].map((above) => depth[above] + 1);
    if (ways.length) depth[node] = count > LARGE ? ways.reduce((a, b) => Math.min(a, b)) : ways.reduce((a, b) => Math.max(a, b));
  }

  const columns = [];
  for (let node = 0; node < count; node += 1) (columns[depth[node]] ??= []).push(node);
  for (let index = 0; index < columns.length; index += 1) columns[index] ??= [];

  // Each sweep moves a node to the mean place of its neighbours in the layers before it (or after it).
  const place = new Float64Array(count);
  const settle = (column) => column.forEach((node, index) => { place[node] = index - column.length / 2; });
  columns.forEach(settle);
  const below = sizes.map(() => []);
  for (let node = 0; node < count; node += 1) for (const above of up[node]) below[above].push(node);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const neighbours = sweep % 2 ? below : up;
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const mean = new Map(column.map((node) => {
        const near = neighbours[node];
        return [node, near.length ? near.reduce((sum, other) => sum + place[other], 0) / near.length : place[node]];
      }));
      column.sort((a, b) => mean.get(a) - mean.get(b) || a - b);
      settle(column);
    }
  }

  // A long layer is broken into several columns, so that the whole stays about as wide as high.
  const most = Math.max(10, Math.ceil(Math.sqrt(count * 2.6)));
  const positions = sizes.map(() => ({ x: 0, y: 0 }));
  let x = 0;
  for (const column of columns) {
    const pieces = Math.ceil(column.length / most) || 1;
    const length = Math.ceil(column.length / pieces);
    for (let piece = 0; piece < pieces; piece += 1) {
      const nodes = column.slice(piece * length, (piece + 1) * length);
      const width = Math.max(0, ...nodes.map((node) => sizes[node].width));
      let y = -nodes.reduce((sum, node) => sum + sizes[node].height + GAP_Y, -GAP_Y) / 2;
      for (const node of nodes) {
        positions[node] = { x: x + width / 2, y: y + sizes[node].height / 2 };
        y += sizes[node].height + GAP_Y;
      }
      x += width + (piece + 1 < pieces ? 24 : GAP_X);
    }
  }
  return positions;
};
