'use strict';
// Comfort only: the page says everything without it. Words are set as text, never as markup.
const regstorm = (root) => {
  const key = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return null;
    if (cell.dataset.key !== undefined) return Number(cell.dataset.key);
    return cell.classList.contains('number') ? null : cell.textContent;
  };
  // What is not known stays last, whichever way a column is sorted.
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  for (const head of root.querySelectorAll('thead th')) {
    const body = head.closest('table').tBodies[0];
    if (body.rows.length < 2) continue;
    head.setAttribute('aria-sort', 'none');
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute('aria-sort') === 'descending' || head.getAttribute('aria-sort') === 'none' && !head.classList.contains('number');
      for (const other of head.parentNode.cells) other.setAttribute('aria-sort', 'none');
      head.setAttribute('aria-sort', down ? 'ascending' : 'descending');
      const rows = [...body.rows].map((row) => [key(row, head.cellIndex), row]);
      rows.sort(([a], [b]) => (a === null) - (b === null) || (down ? order(a, b) : order(b, a)));
      for (const [, row] of rows) body.append(row);
    };
    head.addEventListener('click', sort);
    head.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      sort();
    });
  }

  const list = (text) => text.split('|');
  const charts = [...root.querySelectorAll('svg[data-steps]')].map((svg) => ({
    svg,
    group: svg.dataset.steps,
    share: Number(svg.dataset.share),
    words: list(svg.dataset.words),
    left: Number(svg.dataset.left),
    right: Number(svg.dataset.right),
    width: svg.viewBox.baseVal.width,
    cursor: svg.querySelector('.cursor'),
    output: svg.parentNode.querySelector('output'),
    series: [...svg.querySelectorAll('[data-readings]')].map((it) => [it.dataset.name, list(it.dataset.readings)]),
    rows: svg.dataset.rows && list(svg.dataset.rows),
    columns: svg.dataset.columns && list(svg.dataset.columns),
  }));
  const read = (chart, place, height) => {
    const last = chart.words.length - 1;
    const step = chart.group === 'points' ? Math.round(place * last) : Math.min(last, Math.floor(place / chart.share));
    const x = chart.left + place * (chart.right - chart.left);
    chart.cursor.setAttribute('transform', `translate(${x * chart.width} 0)`);
    chart.cursor.style.visibility = 'visible';
    const parts = chart.series.map(([name, values]) => `${name} ${values[step] || '-'}`);
    if (chart.rows && height !== null) {
      const row = Math.min(chart.rows.length - 1, Math.max(0, Math.floor(height * chart.rows.length)));
      parts.push(`${chart.rows[row]}: ${(chart.columns[step] || '').split(',')[row] || 0}`);
    }
    chart.output.textContent = [chart.words[step], ...parts].join(' · ');
  };
  const hide = (chart) => {
    chart.cursor.style.visibility = 'hidden';
    chart.output.textContent = '\u00a0';
  };
  for (const chart of charts) {
    // Charts over time have one axis and one cursor; a curve of percentiles has its own.
    const together = chart.group === 'windows' ? charts.filter((it) => it.group === 'windows') : [chart];
    chart.svg.addEventListener('pointermove', (event) => {
      const box = chart.svg.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      const place = (share - chart.left) / (chart.right - chart.left);
      if (place < 0 || place > 1) return together.forEach(hide);
      const top = Number(chart.svg.dataset.top), bottom = Number(chart.svg.dataset.bottom);
      const height = (bottom - (event.clientY - box.top) / box.height) / (bottom - top);
      for (const it of together) read(it, place, it === chart ? height : null);
    });
    chart.svg.addEventListener('pointerleave', () => together.forEach(hide));
  }
};
regstorm(document);
