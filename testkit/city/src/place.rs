//! Where things are: metres on the city's own plane, shown as invented coordinates around Bogotá and as H3 zones.

use h3o::{LatLng, Resolution};

/// The plane's origin. The streets are invented: nothing stands for a real address.
const CENTRE_LAT_DEG: f64 = 4.6483;
const CENTRE_LON_DEG: f64 = -74.0817;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A zone is an H3 cell of about 5 km² (resolution 7): some thirty of them cover the city, each with enough
/// orders for statistics of its own.
pub const ZONE_RESOLUTION: Resolution = Resolution::Seven;

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

    /// The H3 cell that is this place's zone, as a number.
    pub fn zone(self) -> u64 {
        let (lat_deg, lon_deg) = self.lat_lon_deg();
        LatLng::new(lat_deg, lon_deg).expect("a place within the city has finite degrees").to_cell(ZONE_RESOLUTION).into()
    }
}

/// The zone as H3 writes it: 15 hexadecimal digits.
pub fn zone_name(zone: u64) -> String {
    format!("{zone:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_show_as_coordinates_near_bogota_and_a_zone_of_resolution_seven() {
        let place = Place { x_m: 1000.0, y_m: -2000.0 };
        let (lat_deg, lon_deg) = place.lat_lon_deg();
        assert!((lat_deg - 4.6303).abs() < 1e-4 && (lon_deg + 74.0727).abs() < 1e-4, "{lat_deg} {lon_deg}");
        let name = zone_name(place.zone());
        assert_eq!((name.len(), &name[..2]), (15, "87"));
    }

    #[test]
    fn distances_are_those_of_the_plane() {
        let start = Place { x_m: 3.0, y_m: 4.0 };
        assert_eq!(start.metres_to(Place::default()), 5.0);
        assert!((start.moved(10.0, 1.0).metres_to(start) - 10.0).abs() < 1e-9);
        assert_eq!(start.towards(Place::default(), 0.5), Place { x_m: 1.5, y_m: 2.0 });
    }
}
