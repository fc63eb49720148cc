// The measurement log of a Windows before 10 1803.
// @windows { "tbs": "old" }
import { testEventLog } from '../lib/event_log.mjs';

testEventLog('Tbsi_Get_TCG_Log');
