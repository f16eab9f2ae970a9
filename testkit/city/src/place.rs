//! Where things are: metres on the city's own plane, shown as invented coordinates around Bogotá and as H3 zones.

use h3o::{LatLng, Resolution};

/// The plane's origin. The streets are invented: nothing stands for a real address.
const CENTRE_LAT_DEG: f64 = 4.6483;
const CENTRE_LON_DEG: f64 = -74.0817;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// Zones are made of H3 cells of about 5 km² (resolution 7): some thirty of them cover the city.
pub(crate) const ZONE_RESOLUTION: Resolution = Resolution::Seven;

/// A point of the city: metres east (`x_m`) and north (`y_m`) of its centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Deserialize)]
pub struct Place {
    /// Metres east of the centre.
    pub x_m: f64,
    /// Metres north of the centre.
    pub y_m: f64,
}

impl Place {
    /// Distance as the crow flies; the evenings' travel times were fitted to it too.
    pub fn metres_to(self, other: Place) -> f64 {
        (self.x_m - other.x_m).hypot(self.y_m - other.y_m)
    }

    /// The point `metres` away in the direction `bearing_rad` (0 = east, counter-clockwise).
    pub fn moved(self, metres: f64, bearing_rad: f64) -> Place {
        Place { x_m: self.x_m + metres * bearing_rad.cos(), y_m: self.y_m + metres * bearing_rad.sin() }
    }

    /// The point at share `along` (0 to 1) of the straight way to `other`.
    pub fn towards(self, other: Place, along: f64) -> Place {
        Place { x_m: self.x_m + (other.x_m - self.x_m) * along, y_m: self.y_m + (other.y_m - self.y_m) * along }
    }

    /// Latitude and longitude in degrees. Flat-earth arithmetic: within 20 km of the centre it errs by centimetres.
    pub fn lat_lon_deg(self) -> (f64, f64) {
        let lat_deg = CENTRE_LAT_DEG + self.y_m / METRES_PER_DEGREE;
        let lon_deg = CENTRE_LON_DEG + self.x_m / (METRES_PER_DEGREE * CENTRE_LAT_DEG.to_radians().cos());
        (lat_deg, lon_deg)
    }

    /// The H3 cell as events carry it: resolution 9 (0.1 km², coarse on purpose), 15 hexadecimal digits.
    pub fn cell(self) -> String {
        self.lat_lon().to_cell(Resolution::Nine).to_string()
    }

    /// The centre of the place's H3 cell of [`ZONE_RESOLUTION`].
    pub(crate) fn zone_cell_centre(self) -> Place {
        let centre = LatLng::from(self.lat_lon().to_cell(ZONE_RESOLUTION));
        Place {
            x_m: (centre.lng() - CENTRE_LON_DEG) * METRES_PER_DEGREE * CENTRE_LAT_DEG.to_radians().cos(),
            y_m: (centre.lat() - CENTRE_LAT_DEG) * METRES_PER_DEGREE,
        }
    }

    fn lat_lon(self) -> LatLng {
        let (lat_deg, lon_deg) = self.lat_lon_deg();
        LatLng::new(lat_deg, lon_deg).expect("a place within the city has finite degrees")
    }
}

/// The dispatch zones: bands of the city from south to north, `zone-1`, `zone-2`, …, each a set of H3 cells.
#[derive(Clone, Debug)]
pub(crate) struct Zones {
    /// Northern ends of all bands but the last, metres.
    bounds_m: Vec<f64>,
    names: Vec<String>,
}

impl Zones {
    /// `count` bands that hold equal parts of `demand` (a place per order), as far as whole cells allow.
    pub(crate) fn of(count: u32, demand: impl Iterator<Item = Place>) -> Zones {
        let mut north: Vec<f64> = demand.map(|place| place.zone_cell_centre().y_m).collect();
        north.sort_by(f64::total_cmp);
        let count = count.max(1) as usize;
        let bound = |band: usize| north.get(north.len() * band / count).copied().unwrap_or(0.0) - 1.0;
        Zones {
            bounds_m: (1..count).map(bound).collect(),
            names: (1..=count).map(|number| format!("zone-{number}")).collect(),
        }
    }

    /// The zone of a place: that of its cell, so that a cell lies in one zone.
    pub(crate) fn at(&self, place: Place) -> usize {
        let north_m = place.zone_cell_centre().y_m;
        self.bounds_m.partition_point(|&bound| bound < north_m)
    }

    pub(crate) fn name(&self, zone: usize) -> &str {
        &self.names[zone]
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_show_as_coordinates_near_bogota_and_a_cell_of_resolution_nine() {
        let place = Place { x_m: 1000.0, y_m: -2000.0 };
        let (lat_deg, lon_deg) = place.lat_lon_deg();
        assert!((lat_deg - 4.6303).abs() < 1e-4 && (lon_deg + 74.0727).abs() < 1e-4, "{lat_deg} {lon_deg}");
        assert_eq!((place.cell().len(), &place.cell()[..2]), (15, "89"));
        assert!(place.zone_cell_centre().metres_to(place) < 2_500.0);
    }

    #[test]
    fn zones_share_the_demand_and_hold_whole_cells() {
        let demand: Vec<Place> =
            (0..3000).map(|n| Place { x_m: f64::from(n % 50) * 100.0, y_m: f64::from(n) * 3.0 }).collect();
        let zones = Zones::of(3, demand.iter().copied());
        let mut counts = [0; 3];
        demand.iter().for_each(|&place| counts[zones.at(place)] += 1);
        assert!(counts.iter().all(|&count| (600..1500).contains(&count)), "{counts:?}");
        assert_eq!((zones.count(), zones.name(0), zones.name(2)), (3, "zone-1", "zone-3"));
        let place = demand[1000];
        assert_eq!(zones.at(place), zones.at(place.zone_cell_centre()));
    }

    #[test]
    fn distances_are_those_of_the_plane() {
        let start = Place { x_m: 3.0, y_m: 4.0 };
        assert_eq!(start.metres_to(Place::default()), 5.0);
        assert!((start.moved(10.0, 1.0).metres_to(start) - 10.0).abs() < 1e-9);
        assert_eq!(start.towards(Place::default(), 0.5), Place { x_m: 1.5, y_m: 2.0 });
    }
}
