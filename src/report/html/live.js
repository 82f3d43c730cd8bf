'use strict';
// Puts each state of the run where the last one was. It was made by regstorm, which escapes every word of others.
(() => {
  const place = document.getElementById('run'), state = document.getElementById('state');
  const say = (words) => { state.textContent = words; };
  const draw = (event) => {
    const summaries = (which) => [...place.querySelectorAll(`details${which} > summary`)];
    const open = new Set(summaries('[open]').map((it) => it.textContent));
    place.innerHTML = event.data;
    place.dataset.drawn = Number(place.dataset.drawn || 0) + 1;
    for (const it of summaries('')) if (open.has(it.textContent)) it.parentNode.open = true;
    regstorm(place);
  };
  const source = new EventSource('events');
  source.addEventListener('update', (event) => {
    draw(event);
    say('The run goes on. This page follows it.');
  });
  source.addEventListener('end', (event) => {
    source.close();
    draw(event);
    say('The run has ended. Nothing more comes: save this page, or use --html.');
  });
  source.addEventListener('error', () => say('No connection to regstorm: what is shown came last.'));
})();
