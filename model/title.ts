import type { TemplateFormat } from './states.ts';

/** How a sentence names a template or an ISO, such as `Template 'debian'`. */
export function titleOf(
  { format, name }: { readonly format: TemplateFormat; readonly name: string },
  place: 'start' | 'middle' = 'start',
): string {
  if (format === 'ISO') return `ISO '${name}'`;
  return `${place === 'start' ? 'Template' : 'template'} '${name}'`;
}
