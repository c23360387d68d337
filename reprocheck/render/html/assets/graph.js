'use strict';
// The picture: opens on the conflicts and their chains; the rest is added when it is asked for.
(() => {
  const data = JSON.parse(document.getElementById('graph-data').textContent);
  const holder = document.getElementById('picture');
  const told = document.getElementById('picture-state');
  const picked = document.getElementById('picked');
  const sought = document.getElementById('sought');
  const seek = document.getElementById('seek');
  const showPart = document.getElementById('show-part');
  const showAll = document.getElementById('show-all');
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const FONT = '12px system-ui, sans-serif';
  const LABEL = 44;
  const MOST_LISTED = 40;
  const READABLE = 0.55;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const pen = document.createElement('canvas').getContext('2d');
  pen.font = `bold ${FONT}`;
  const cut = (text) => (text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text);
  const nodes = data.nodes.map(([label, type, broken]) => {
    const text = cut(broken ? `✗ ${label}` : label);
    const width = Math.ceil(Math.max(pen.measureText(text).width, pen.measureText(type).width)) + 22;
    return { label, type, broken, text, width, height: 40 };
  });
  const out = nodes.map(() => []);
  const into = nodes.map(() => []);
  data.edges.forEach(([from, to], index) => {
    out[from].push(index);
    into[to].push(index);
  });
  const part = data.part.length ? data.part : nodes.map((_, index) => index);
  const present = new Set();
  // Without conflicts, or when everything belongs to one, there is nothing to choose.
  showPart.hidden = part.length === nodes.length;
  showAll.hidden = showPart.hidden;

  const styles = () => [
    {
      selector: 'node',
      style: {
        'background-color': colour('--node'),
        'border-color': colour('--edge'),
        'border-width': 1,
        color: colour('--text'),
        'font-family': 'system-ui, sans-serif',
        'font-size': 12,
        height: 'data(height)',
        label: 'data(text)',
        'line-height': 1.25,
        'min-zoomed-font-size': 5,
        shape: 'round-rectangle',
        'text-halign': 'center',
        'text-max-width': 400,
        'text-valign': 'center',
        'text-wrap': 'wrap',
        width: 'data(width)',
      },
    },
    {
      selector: 'node.broken',
      style: {
        'background-color': colour('--high'),
        'border-color': colour('--text'),
        'border-width': 2,
        color: colour('--back'),
        'font-weight': 'bold',
        shape: 'cut-rectangle',
      },
    },
    {
      selector: 'edge',
      style: {
        'arrow-scale': 0.9,
        'curve-style': 'straight',
        'line-color': colour('--edge'),
        opacity: 0.75,
        'target-arrow-color': colour('--edge'),
        'target-arrow-shape': 'triangle',
        width: 1,
      },
    },
    { selector: 'edge.needs', style: { 'line-style': 'dashed' } },
    { selector: 'edge.owns', style: { 'line-style': 'dotted', 'target-arrow-shape': 'none' } },
    {
      selector: 'edge.broken',
      style: {
        color: colour('--high'),
        'font-size': 11,
        label: 'data(text)',
        'line-color': colour('--high'),
        'min-zoomed-font-size': 6,
        opacity: 1,
        'target-arrow-color': colour('--high'),
        'text-background-color': colour('--back'),
        'text-background-opacity': 0.9,
        'text-background-padding': 2,
        width: 3,
      },
    },
    { selector: '.faded', style: { opacity: 0.15, 'text-opacity': 0.3 } },
    {
      selector: 'node.picked',
      style: {
        'background-color': colour('--chosen'),
        'border-color': colour('--accent'),
        'border-width': 3,
        color: colour('--text'),
      },
    },
    {
      selector: 'edge.near',
      style: { 'line-color': colour('--accent'), opacity: 1, 'target-arrow-color': colour('--accent'), width: 2 },
    },
  ];

  const cy = cytoscape({
    container: holder,
    elements: [],
    style: styles(),
    layout: { name: 'preset' },
    boxSelectionEnabled: false,
    autounselectify: true,
    hideEdgesOnViewport: nodes.length > 600,
    textureOnViewport: nodes.length > 600,
    maxZoom: 3,
    minZoom: 0.01,
    userZoomingEnabled: false,
  });
  const id = (index) => `n${index}`;
  const indexOf = (node) => Number(node.id().slice(1));

  // Adds what is missing of these nodes with the edges among them, and places all that is there.
  const place = (wanted) => {
    const fresh = wanted.filter((index) => !present.has(index));
    const keep = new Set(wanted);
    const elements = fresh.map((index) => {
      const { text, type, broken, width, height } = nodes[index];
      return {
        group: 'nodes',
        data: { id: id(index), text: type ? `${text}\n${type}` : text, width, height },
        classes: broken ? 'broken' : '',
      };
    });
    data.edges.forEach(([from, to, requirement, broken, kind], index) => {
      if (!keep.has(from) || !keep.has(to) || (present.has(from) && present.has(to))) return;
      elements.push({
        group: 'edges',
        data: { id: `e${index}`, source: id(from), target: id(to), text: cut(requirement) },
        classes: broken ? `${kind} broken` : kind,
      });
    });
    const number = new Map(wanted.map((index, at) => [index, at]));
    const among = data.edges
      .filter(([from, to]) => keep.has(from) && keep.has(to))
      .map(([from, to]) => [number.get(from), number.get(to)]);
    const positions = layers(wanted.map((index) => nodes[index]), among);
    cy.batch(() => {
      for (const index of present) if (!keep.has(index)) cy.getElementById(id(index)).remove();
      present.clear();
      for (const index of wanted) present.add(index);
      cy.add(elements);
      wanted.forEach((index, at) => cy.getElementById(id(index)).position(positions[at]));
    });
    holder.dataset.drawn = String(present.size);
    const all = present.size === nodes.length;
    const only = present.size === part.length && part.every((index) => present.has(index));
    showPart.setAttribute('aria-pressed', String(only));
    showAll.setAttribute('aria-pressed', String(all));
    told.textContent = `${present.size} of ${nodes.length} ${nodes.length === 1 ? 'package' : 'packages'} drawn`;
  };

  const look = (elements, middle) => {
    const fitted = { fit: { eles: elements, padding: 30 } };
    if (still.matches) cy.fit(elements, 30);
    else cy.animate(fitted, { duration: 200 });
    const settle = () => {
      if (cy.zoom() > 1.2) cy.zoom({ level: 1.2, renderedPosition: centre() });
      if (middle && cy.zoom() < READABLE) {
        cy.zoom(READABLE);
        cy.center(middle);
      }
    };
    if (still.matches) settle();
    else setTimeout(settle, 230);
  };
  const centre = () => ({ x: cy.width() / 2, y: cy.height() / 2 });
  const zoom = (factor) => cy.zoom({ level: cy.zoom() * factor, renderedPosition: centre() });

  const clear = () => {
    cy.elements().removeClass('faded picked near');
    picked.replaceChildren();
  };
  const element = (name, text, parent) => {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  };
  const link = (index, text, list) => {
    const button = element('button', text, element('li', '', list));
    button.type = 'button';
    button.className = nodes[index].broken ? 'node broken' : 'node';
    button.addEventListener('click', () => focus(index, true));
  };
  const neighbours = (title, edges, end) => {
    if (!edges.length) return;
    element('h4', `${title} ${edges.length}`, picked);
    const list = element('ul', '', picked);
    list.className = 'names';
    for (const edge of edges.slice(0, MOST_LISTED)) {
      const [, , requirement, broken, kind] = data.edges[edge];
      const how = [kind === 'requires' ? '' : kind, requirement].filter(Boolean).join(' ');
      const other = data.edges[edge][end];
      link(other, `${broken ? '✗ ' : ''}${nodes[other].label}${how ? ` (${how})` : ''}`, list);
    }
    if (edges.length > MOST_LISTED) element('li', `and ${edges.length - MOST_LISTED} more`, list);
  };

  const focus = (index, keyboard) => {
    if (!present.has(index)) {
      const near = [...out[index].map((e) => data.edges[e][1]), ...into[index].map((e) => data.edges[e][0])];
      place([...new Set([...present, index, ...near])].sort((a, b) => a - b));
    }
    clear();
    const node = cy.getElementById(id(index));
    const around = node.closedNeighborhood();
    cy.elements().difference(around).addClass('faded');
    node.addClass('picked');
    node.connectedEdges().addClass('near');
    look(around, node);
    const title = element('h3', `${nodes[index].broken ? '✗ ' : ''}${nodes[index].label} `, picked);
    element('small', nodes[index].type, title);
    const alone = element('button', 'Draw only this and its neighbours', picked);
    alone.type = 'button';
    alone.id = 'alone';
    alone.addEventListener('click', () => {
      const near = [...out[index].map((e) => data.edges[e][1]), ...into[index].map((e) => data.edges[e][0])];
      place([...new Set([index, ...near])].sort((a, b) => a - b));
      focus(index, false);
    });
    neighbours('Requires', out[index], 1);
    neighbours('Required by', into[index], 0);
    if (keyboard) {
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
    holder.dataset.focus = nodes[index].label;
  };

  // The node that a conflict is shown by when not all of it can be read at once.
  const heart = (indices) => indices.find((index) => nodes[index].broken) ?? indices[indices.length - 1];
  const locate = (indices) => {
    place([...new Set([...part, ...indices])].sort((a, b) => a - b));
    clear();
    const chosen = cy.collection(indices.map((index) => cy.getElementById(id(index))).map((found) => found[0]));
    const lit = chosen.union(chosen.edgesWith(chosen));
    cy.elements().difference(lit).addClass('faded');
    chosen.addClass('picked');
    look(chosen, cy.getElementById(id(heart(indices))));
    told.textContent = `${chosen.length} packages of this conflict are lit`;
    holder.scrollIntoView({ block: 'nearest', behavior: still.matches ? 'auto' : 'smooth' });
    holder.focus({ preventScroll: true });
  };

  const search = () => {
    const words = seek.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    sought.replaceChildren();
    const output = seek.querySelector('output');
    if (!words.length) {
      output.textContent = '';
      return [];
    }
    const found = [];
    nodes.forEach((node, index) => {
      if (words.every((word) => node.label.toLowerCase().includes(word))) found.push(index);
    });
    output.textContent = `${found.length} found`;
    for (const index of found.slice(0, 12)) link(index, nodes[index].label, sought);
    if (found.length > 12) element('li', `and ${found.length - 12} more`, sought);
    return found;
  };
  seek.addEventListener('input', search);
  seek.addEventListener('submit', (event) => {
    event.preventDefault();
    const [first] = search();
    if (first !== undefined) focus(first, false);
  });

  showPart.addEventListener('click', () => {
    clear();
    place(part);
    look(cy.elements());
  });
  showAll.addEventListener('click', () => {
    clear();
    place(nodes.map((_, index) => index));
    look(cy.elements());
  });
  document.getElementById('zoom-in').addEventListener('click', () => zoom(1.3));
  document.getElementById('zoom-out').addEventListener('click', () => zoom(1 / 1.3));
  document.getElementById('fit').addEventListener('click', () => {
    clear();
    cy.fit(cy.elements(), 20);
  });
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button.locate');
    if (button) locate(data.conflicts[Number(button.dataset.conflict)]);
  });

  cy.on('tap', 'node', (event) => focus(indexOf(event.target), false));
  cy.on('tap', (event) => {
    if (event.target === cy) clear();
  });
  // The wheel belongs to the page until somebody is in the picture.
  holder.addEventListener('focusin', () => cy.userZoomingEnabled(true));
  holder.addEventListener('focusout', () => cy.userZoomingEnabled(false));
  holder.addEventListener('pointerdown', () => holder.focus({ preventScroll: true }));
  const KEYS = {
    ArrowLeft: () => cy.panBy({ x: 60, y: 0 }),
    ArrowRight: () => cy.panBy({ x: -60, y: 0 }),
    ArrowUp: () => cy.panBy({ x: 0, y: 60 }),
    ArrowDown: () => cy.panBy({ x: 0, y: -60 }),
    '+': () => zoom(1.3),
    '=': () => zoom(1.3),
    '-': () => zoom(1 / 1.3),
    '0': () => cy.fit(cy.elements(), 20),
    Escape: clear,
  };
  holder.addEventListener('keydown', (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  const repaint = () => cy.style(styles());
  document.addEventListener('colours', repaint);
  // Paper is light whatever the screen is, and takes an image where it may not take a canvas.
  const paper = document.getElementById('paper-picture');
  addEventListener('beforeprint', () => {
    const before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = 'light';
    repaint();
    paper.src = cy.png({ full: true, bg: '#ffffff', maxWidth: 2400, maxHeight: 2400, scale: 2 });
    if (before === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = before;
    repaint();
  });

  place(part);
  cy.fit(cy.elements(), 20);
  if (cy.zoom() > 1.1) cy.zoom({ level: 1.1, renderedPosition: centre() });
  if (cy.zoom() < READABLE && data.conflicts.some((indices) => indices.length)) {
    const first = data.conflicts.find((indices) => indices.length);
    cy.zoom(0.8);
    cy.center(cy.getElementById(id(heart(first))));
  }
})();
