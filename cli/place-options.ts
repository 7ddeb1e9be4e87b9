/** The options by which zones and clusters are changed. */
import { Option } from 'commander';

export interface PlaceChanges {
  readonly name?: string;
  readonly state?: 'Enabled' | 'Disabled';
}

export const placeOptions = (): readonly Option[] => [
  new Option('--name <name>', 'a new name; hosts that name the old one need it before their next start'),
  new Option('--state <state>', 'Enabled or Disabled').choices(['Enabled', 'Disabled']),
];
