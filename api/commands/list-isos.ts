import { defineCommand, EVERYBODY } from '../command.ts';
import { choice, flag } from '../parameters.ts';
import { TEMPLATE } from '../responses/template.ts';
import { TEMPLATE_FILTERS } from '../../db/listings/templates.ts';
import { answerTemplates, imageListParameters } from '../template-list.ts';

export const listIsos = defineCommand({
  name: 'listIsos',
  description: 'Lists ISOs, one entry per zone.',
  roles: EVERYBODY,
  parameters: {
    isofilter: choice(
      `which of them: ${TEMPLATE_FILTERS.join(', ')}; selfexecutable when absent`,
      TEMPLATE_FILTERS,
    ),
    bootable: flag('those that a VM can boot from, or the others'),
    ispublic: flag('those that every account may use, or the others'),
    ...imageListParameters('ISO'),
  },
  objects: 'iso',
  response: TEMPLATE,
  run: (context, values) =>
    answerTemplates(context, { ...values, iso: true, filter: values.isofilter ?? 'selfexecutable' }),
});
