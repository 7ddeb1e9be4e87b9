import { constant } from '../constants.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { choice, flag, id, list, map, text } from '../parameters.ts';
import { ownerParameters } from '../owners.ts';
import { pagingParameters } from '../paging.ts';
import { DEPLOYMENT_STATES } from '../responses/deployment.ts';
import { TEMPLATE } from '../responses/template.ts';
import { TEMPLATE_FILTERS } from '../../db/listings/templates.ts';
import { answerTemplates } from '../template-list.ts';

export const listIsos = defineCommand({
  name: 'listIsos',
  description: 'Lists ISOs, one entry per zone.',
  roles: EVERYBODY,
  parameters: {
    isofilter: choice(
      `which of them: ${TEMPLATE_FILTERS.join(', ')}; selfexecutable when absent`,
      TEMPLATE_FILTERS,
    ),
    id: id('this one'),
    ids: list('these'),
    name: text('those of this name'),
    zoneid: id('those in this zone'),
    storageid: id('those that lie on this storage pool'),
    arch: choice('those for this processor architecture', ['x86_64', 'aarch64']),
    oscategoryid: id('those whose guest operating system is of this category'),
    hypervisor: constant('hypervisor', 'KVM'),
    details: list('all: also details and mirrors'),
    bootable: flag('those that a VM can boot from, or the others'),
    ispublic: flag('those that every account may use, or the others'),
    isready: flag('those that can be deployed, or those that cannot'),
    deploymentstate: choice('those with a deployment in this state', DEPLOYMENT_STATES),
    showremoved: flag('also those that were removed'),
    showunique: flag('one entry per ISO instead of one per zone'),
    tags: map('those with all of these tags, as tags[0].key and tags[0].value'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'iso',
  response: TEMPLATE,
  run: (context, values) =>
    answerTemplates(context, { ...values, iso: true, filter: values.isofilter ?? 'selfexecutable' }),
});
