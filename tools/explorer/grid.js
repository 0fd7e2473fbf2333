// The parts of AG Grid Community that the explorer's tables use.
import {
  createGrid, ModuleRegistry, themeQuartz, colorSchemeVariable,
  ClientSideRowModelModule, ClientSideRowModelApiModule, ColumnApiModule, ColumnAutoSizeModule, CsvExportModule,
  NumberFilterModule, TextFilterModule, ExternalFilterModule, RowStyleModule, RenderApiModule, TooltipModule,
  CellStyleModule, ScrollApiModule, RowApiModule, EventApiModule, LocaleModule,
} from "ag-grid-community";

ModuleRegistry.registerModules([
  ClientSideRowModelModule, ClientSideRowModelApiModule, ColumnApiModule, ColumnAutoSizeModule, CsvExportModule,
  NumberFilterModule, TextFilterModule, ExternalFilterModule, RowStyleModule, RenderApiModule, TooltipModule,
  CellStyleModule, ScrollApiModule, RowApiModule, EventApiModule, LocaleModule,
]);

window.EdgewattGrid = { createGrid, themeQuartz, colorSchemeVariable };
