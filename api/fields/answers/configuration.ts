/** Settings of the installation and of zones as the API shows them. */
import type { Configuration } from '../../../model/configurations.ts';
import { boolean, type Shape, string } from '../response.ts';

export interface ConfigurationRow {
  readonly configuration: Configuration;
  /** The value in force. */
  readonly value: string;
}

export const CONFIGURATION: Shape<ConfigurationRow> = {
  name: string('the name', ({ configuration }) => configuration.name),
  value: string('what holds', ({ value }) => value),
  defaultvalue: string('what holds where nothing is set', ({ configuration }) => configuration.fallback),
  category: string('what it belongs to', ({ configuration }) => configuration.category),
  scope: string(
    'where it may be set: Zone (or for all), or Global',
    ({ configuration }) => configuration.scope,
  ),
  type: string('String, Boolean, Integer, or CSV for a list', ({ configuration }) => configuration.type),
  description: string('what it means', ({ configuration }) => configuration.description),
  isdynamic: boolean('whether it holds for the next job already', () => true),
};
