import { Controller, Get, Inject } from '@nestjs/common';
import { CheckupService, type Finding } from './checkup.service.js';

/** What `argosy doctor` asks: how the parts of the installation are, as this server sees them. */
@Controller('api/argosy/v1/checkup')
export class CheckupController {
  constructor(@Inject(CheckupService) private readonly checkup: CheckupService) {}

  @Get()
  async look(): Promise<{ findings: Finding[] }> {
    return { findings: await this.checkup.look() };
  }
}
