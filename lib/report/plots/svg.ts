import { type EChartsOption, init } from 'echarts';
import type { PlotLabel } from '../drawings';
import { escapeText } from '../escape';

export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/** A finished drawing: no script, no style sheet, no id that another plot has; colours are the page's CSS variables. */
export function renderSvg(option: EChartsOption, { width, height }: PlotSize, label: PlotLabel): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: 'transparent', ...option });
    return accessible(withoutInteraction(chart.renderToSVGString()), { width, height }, label);
  } finally {
    chart.dispose();
  }
}

/**
 * echarts writes hooks for a mouse: classes with hover rules, and data for a script. Text cannot look like one of these
 * attributes, since its quotes are escaped.
 */
function withoutInteraction(svg: string): string {
  return svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/<rect [^>]*fill="none"><\/rect>\n?/, '');
}

function accessible(svg: string, { width, height }: PlotSize, { id, title }: PlotLabel): string {
  const body = svg.slice(svg.indexOf('>') + 1).replace(/\bzr\d+-/g, `${id}-`);
  const name = escapeText(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}"><title>${name}</title>${body.trim()}`;
}
