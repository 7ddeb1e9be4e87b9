/** `bypass template`: register, list, show, delete, and what changes it. */
import type { Command } from 'commander';
import { noun } from '../command.ts';
import { TEMPLATE } from '../images.ts';
import type { Cli } from '../context.ts';
import { imageChanges } from './image-changes.ts';
import { imageVerbs } from './image-verbs.ts';

export function templateCommands(program: Command, cli: Cli): void {
  const template = noun(program, 'template', 'templates: disks that machines are made from');
  imageVerbs(
    template,
    cli,
    TEMPLATE,
    'template register --name ubuntu-24.04 --url https://example.org/ubuntu.qcow2 --deploy --wait',
  );
  imageChanges(template, cli, TEMPLATE);
}
