#!/usr/bin/env node
import '../../../dist/services/cli/src/main.js';
