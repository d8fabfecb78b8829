'use strict';
(() => {
  const root = document.documentElement;
  const group = n => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const bytes = n => {
    let unit = 0;
    while (n >= 1024 && unit < 5) { n /= 1024; unit++; }
    return (unit ? n.toFixed(1) : String(Math.round(n))) + '\u00a0' + ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit];
  };
  const span = s => {
    const pair = (a, x, b, y) => Math.floor(a) + '\u00a0' + x + (Math.floor(b) ? ' ' + Math.floor(b) + '\u00a0' + y : '');
    if (s < 60) return Math.floor(s) + '\u00a0s';
    if (s < 3600) return pair(s / 60, 'min', s % 60, 's');
    if (s < 86400) return pair(s / 3600, 'h', s % 3600 / 60, 'min');
    return pair(s / 86400, 'd', s % 86400 / 3600, 'h');
  };
  const forms = {
    text: v => String(v),
    count: group,
    per_second: v => group(v) + '/s',
    bytes: bytes,
    bytes_per_second: v => bytes(v) + '/s',
    span: span,
    ago: v => span(v) + ' ago',
    millis: v => (v * 1000).toFixed(1) + '\u00a0ms',
    time: v => new Date(v * 1000).toISOString().slice(0, 19).replace('T', ' ') + ' UTC',
    share: v => (v * 100).toFixed(1) + '\u00a0%',
  };
  const points = list => {
    const peak = Math.max(1, ...list);
    return list.map((v, i) => (120 - (list.length - 1 - i)) + ',' + (31 - v / peak * 30).toFixed(1)).join(' ');
  };
  const show = status => {
    for (const element of document.querySelectorAll('[data-path]')) {
      const value = element.dataset.path.split('/').slice(1).reduce((v, key) => v == null ? v : v[key], status);
      const form = element.dataset.form;
      if (form === 'width') element.setAttribute('width', ((value || 0) * 100).toFixed(1) + '%');
      else if (form === 'course') element.setAttribute('points', points(value || []));
      else if (form === 'list') {
        element.replaceChildren(...(value || []).map(text => {
          const item = document.createElement('li');
          item.textContent = text;
          return item;
        }));
      } else {
        element.textContent = value == null ? '–' : forms[form](value);
        if ('state' in element.dataset) element.dataset.state = value == null ? '' : value;
      }
    }
  };
  const turn = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch('status.json', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
        if (!answer.ok) throw new Error(answer.status);
        const status = await answer.json();
        if (status.shape !== root.dataset.shape) { location.reload(); return; }
        show(status);
        root.dataset.updates = Number(root.dataset.updates) + 1;
        delete root.dataset.lost;
      } catch {
        root.dataset.lost = '';
      }
    }
    setTimeout(turn, 2000);
  };
  turn();
})();
