/** `bypass iso`: register, list, show, delete, and what changes it. */
import type { Command } from 'commander';
import { noun } from '../command.ts';
import { ISO } from '../images.ts';
import type { Cli } from '../context.ts';
import { imageChanges } from './image-changes.ts';
import { imageVerbs } from './image-verbs.ts';

export function isoCommands(program: Command, cli: Cli): void {
  const iso = noun(program, 'iso', 'ISOs: disc images that machines are booted from');
  imageVerbs(
    iso,
    cli,
    ISO,
    'iso register --name debian-13 --url https://example.org/debian.iso --deploy --wait',
  );
  imageChanges(iso, cli, ISO);
}
