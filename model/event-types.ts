/** CloudStack's names in events about templates and ISOs. */
import type { TemplateFormat } from './states.ts';

interface Image {
  readonly format: TemplateFormat;
}

/** The type of an event, such as `TEMPLATE.CREATE` or `ISO.CREATE`. @param what happened, such as `CREATE` */
export const eventType = ({ format }: Image, what: string): string =>
  `${format === 'ISO' ? 'ISO' : 'TEMPLATE'}.${what}`;

/** The type of the resource that an event or a job is about. */
export const resourceTypeOf = ({ format }: Image): 'ISO' | 'VirtualMachineTemplate' =>
  format === 'ISO' ? 'ISO' : 'VirtualMachineTemplate';
