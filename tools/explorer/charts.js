// The parts of Chart.js that the explorer's pictures use.
import {
  Chart, BarController, BarElement, CategoryScale, Legend, LineController, LineElement, LinearScale,
  LogarithmicScale, PointElement, ScatterController, Tooltip,
} from "chart.js";

Chart.register(
  BarController, BarElement, CategoryScale, Legend, LineController, LineElement, LinearScale, LogarithmicScale,
  PointElement, ScatterController, Tooltip,
);

window.EdgewattChart = Chart;
